import Tensors

// The textual syntax writes an element of a type without a literal of its own as its bit pattern:
// 16-bit and 8-bit floating point. Complex numbers are two literals.

extension ElementType {
  private enum LiteralForm { case signed, unsigned, float, double }

  private var literalForm: LiteralForm {
    switch self {
    case .int2, .int4, .int8, .int16, .int32, .int64: .signed
    case .float, .complex64: .float
    case .double, .complex128: .double
    default: .unsigned
    }
  }

  /// Bits one literal stands for.
  private var literalWidth: Int {
    switch self {
    case .complex64: 32
    case .complex128: 64
    default: bitWidth ?? 0
    }
  }

  fileprivate func literals(_ bytes: [UInt8], elements count: Int) -> [String] {
    let width = literalWidth
    let literalCount = count * ((bitWidth ?? 0) / width)
    return (0..<literalCount).map { index in
      let bits = bits(of: bytes, at: index, width: width)
      switch literalForm {
      case .float: return "\(Float(bitPattern: UInt32(bits)))"
      case .double: return "\(Double(bitPattern: bits))"
      case .unsigned: return "\(bits)"
      case .signed:
        let unused = UInt64(64 - width)
        return "\(Int64(bitPattern: bits << unused) >> Int64(unused))"
      }
    }
  }

  private func bits(of bytes: [UInt8], at index: Int, width: Int) -> UInt64 {
    if width < 8 {
      let (byte, shift) = (index * width / 8, index * width % 8)
      let next = shift + width > 8 ? UInt64(bytes[byte + 1]) << 8 : 0
      return (UInt64(bytes[byte]) | next) >> UInt64(shift) & (1 << UInt64(width) - 1)
    }
    let count = width / 8
    return (0..<count).reduce(0) { $0 | UInt64(bytes[index * count + $1]) << UInt64($1 * 8) }
  }

  /// The packed bytes of literals; `nil` where one is no element of this type.
  func packed(_ literals: [Substring]) -> [UInt8]? {
    let width = literalWidth
    guard width > 0 else { return nil }
    var result = [UInt8](repeating: 0, count: (literals.count * width + 7) / 8)
    for (index, literal) in literals.enumerated() {
      guard let bits = bits(of: literal, width: width) else { return nil }
      if width < 8 {
        let (byte, shift) = (index * width / 8, index * width % 8)
        result[byte] |= UInt8(bits) << UInt8(shift)
        if shift + width > 8 { result[byte + 1] |= UInt8(bits) >> UInt8(8 - shift) }
      } else {
        for byte in 0..<width / 8 {
          result[index * (width / 8) + byte] = UInt8(truncatingIfNeeded: bits >> UInt64(byte * 8))
        }
      }
    }
    return result
  }

  private func bits(of literal: Substring, width: Int) -> UInt64? {
    switch literalForm {
    case .float: return Float(literal).map { UInt64($0.bitPattern) }
    case .double: return Double(literal).map(\.bitPattern)
    case .unsigned:
      return UInt64(literal).flatMap { width == 64 || $0 >> UInt64(width) == 0 ? $0 : nil }
    case .signed:
      guard let value = Int64(literal) else { return nil }
      let unused = UInt64(64 - width)
      let bits = UInt64(bitPattern: value) << unused
      guard Int64(bitPattern: bits) >> Int64(unused) == value else { return nil }
      return bits >> unused
    }
  }
}

extension Tensor {
  /// The elements as literals of the textual syntax; the tensor is not one of strings.
  var literals: [String] {
    unsafe elementType.literals(Array(region.bytes), elements: count)
  }
}
