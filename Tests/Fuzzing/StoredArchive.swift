/// Zip archives of uncompressed entries: what holds the files of an input that is several.
enum StoredArchive {
  /// Writes an archive, its checksums right.
  static func encode(_ entries: [(name: String, contents: [UInt8])]) -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for (name, contents) in entries {
      // Version, flags, method, time and date; checksum, both sizes; lengths of name and extra field.
      let common =
        number(20, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(checksum(contents), 4)
        + number(UInt32(contents.count), 4) + number(UInt32(contents.count), 4)
        + number(UInt32(name.utf8.count), 2) + number(0, 2)
      let offset = UInt32(archive.count)
      archive += number(0x0403_4B50, 4) + common + Array(name.utf8) + contents
      directory += number(0x0201_4B50, 4) + number(20, 2) + common
      directory += number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(offset, 4)
      directory += Array(name.utf8)
    }
    let count = number(UInt32(entries.count), 2)
    let start = number(UInt32(archive.count), 4)
    return archive + directory + number(0x0605_4B50, 4) + number(0, 4) + count + count
      + number(UInt32(directory.count), 4) + start + number(0, 2)
  }

  /// The entries of what `encode` or Python's `zipfile` wrote, as far as `archive` is that; none whose
  /// name leads out of a folder or is too long for one.
  static func decode(_ archive: [UInt8]) -> [(name: String, contents: [UInt8])] {
    var entries: [(name: String, contents: [UInt8])] = []
    var rest = archive[...]
    while rest.count >= 30, rest.starts(with: [0x50, 0x4B, 3, 4]) {
      func number(_ offset: Int, _ width: Int) -> Int {
        rest.dropFirst(offset).prefix(width).reversed().reduce(0) { $0 << 8 | Int($1) }
      }
      let (size, name) = (number(18, 4), rest.dropFirst(30).prefix(number(26, 2)))
      let contents = rest.dropFirst(30 + number(26, 2) + number(28, 2))
      guard size <= contents.count, (1...80).contains(name.count), name.first != UInt8(ascii: "."),
        !name.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
      else { break }
      entries.append((String(decoding: name, as: UTF8.self), Array(contents.prefix(size))))
      rest = contents.dropFirst(size)
    }
    return entries
  }

  private static func number(_ value: UInt32, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }

  /// CRC-32, bit by bit.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var remainder: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 0 ? 0 : 0xEDB8_8320) }
    }
    return ~remainder
  }
}
