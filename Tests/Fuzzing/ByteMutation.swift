/// Changes to bytes that nothing is known about.
extension RandomNumbers {
  /// Changes `bytes` in one way; `others` are files to take parts of.
  mutating func mutate(_ bytes: inout [UInt8], others: [[UInt8]]) {
    guard !bytes.isEmpty else {
      bytes = (0..<1 + below(40)).map { _ in UInt8(truncatingIfNeeded: next()) }
      return
    }
    let position = below(bytes.count)
    switch below(10) {
    case 0: bytes[position] ^= 1 << UInt8(below(8))
    case 1: bytes[position] = UInt8(truncatingIfNeeded: next())
    case 2: bytes[position] = pick([0, 1, 0x7F, 0x80, 0xFF])
    case 3: overwrite(&bytes, at: position)
    case 4: bytes.removeSubrange(position...)
    case 5: bytes.removeSubrange(chunk(of: bytes))
    case 6: bytes.insert(contentsOf: bytes[chunk(of: bytes)], at: position)
    case 7:
      let extra = (0..<1 + below(16)).map { _ in UInt8(truncatingIfNeeded: next()) }
      bytes.insert(contentsOf: extra, at: position)
    case 8:
      let other = pick(others)
      if !other.isEmpty { bytes.replaceSubrange(position..., with: other[below(other.count)...]) }
    default:
      let other = pick(others)
      if !other.isEmpty { bytes.insert(contentsOf: other[chunk(of: other)], at: position) }
    }
  }

  /// A short range of `bytes`, which are not empty; at times a long one.
  private mutating func chunk(of bytes: [UInt8]) -> Range<Int> {
    let start = below(bytes.count)
    let longest = min(bytes.count - start, once(in: 8) ? 4096 : 32)
    return start..<start + 1 + below(longest)
  }

  /// Writes an extreme number of one to eight bytes, little-endian.
  private mutating func overwrite(_ bytes: inout [UInt8], at position: Int) {
    let number = once(in: 4) ? UInt64(bytes.count + below(3) - 1) : extreme()
    for index in 0..<min(pick([1, 2, 4, 8]), bytes.count - position) {
      bytes[position + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
    }
  }
}
