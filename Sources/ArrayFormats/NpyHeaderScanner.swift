/// Reads the dictionary of a header: the three fields of the format as literals, never evaluated.
struct NpyHeaderScanner {
  /// The fields as they stand in the header.
  struct Fields {
    var description: String
    var isFortranOrder: Bool
    var shape: [Int]
  }

  private let bytes: [UInt8]
  private let base: Int
  private let origin: Origin
  private var position = 0

  /// A scanner over a dictionary that starts at byte `base` of `origin`.
  init(_ bytes: [UInt8], base: Int, _ origin: Origin) {
    self.bytes = bytes
    self.base = base
    self.origin = origin
  }

  /// Reads the whole header.
  mutating func readDictionary() throws(ArrayFormatError) -> Fields {
    var description: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      let place = base + position
      let key = try readString()
      try expect(":")
      let isRepeated: Bool
      switch key {
      case "descr":
        isRepeated = description != nil
        description = try readType()
      case "fortran_order":
        isRepeated = isFortranOrder != nil
        isFortranOrder = try readTruth()
      case "shape":
        isRepeated = shape != nil
        shape = try readShape()
      default:
        throw ArrayFormatError(
          .field, origin, offset: place, "expected no field '\(key)' in the header")
      }
      guard !isRepeated else {
        throw ArrayFormatError(
          .field, origin, offset: place, "expected one field '\(key)', got two")
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipWhitespace()
    guard position == bytes.count else { throw fault("the end of the header") }
    guard let description, let isFortranOrder, let shape else {
      let missing = description == nil ? "descr" : shape == nil ? "shape" : "fortran_order"
      throw ArrayFormatError(.field, origin, offset: base, "the header has no '\(missing)'")
    }
    return Fields(description: description, isFortranOrder: isFortranOrder, shape: shape)
  }

  private mutating func readString() throws(ArrayFormatError) -> String {
    skipWhitespace()
    guard position < bytes.count, case let quote = bytes[position],
      quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
    else { throw fault("a string") }
    let start = position + 1
    guard let end = bytes[start...].firstIndex(of: quote) else { throw fault("a closing quote") }
    guard bytes[start..<end].allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") })
    else { throw fault("a string without escapes") }
    position = end + 1
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  /// The description of an element type: a string, unless elements have fields.
  private mutating func readType() throws(ArrayFormatError) -> String {
    skipWhitespace()
    if position < bytes.count, bytes[position] == UInt8(ascii: "[") {
      throw ArrayFormatError(
        .unsupportedType, origin, offset: base + position,
        "elements that are structures are not supported")
    }
    return try readString()
  }

  private mutating func readTruth() throws(ArrayFormatError) -> Bool {
    if take("True") { return true }
    if take("False") { return false }
    throw fault("'True' or 'False'")
  }

  private mutating func readShape() throws(ArrayFormatError) -> [Int] {
    var shape: [Int] = []
    try expect("(")
    while !take(")") {
      shape.append(try readInteger())
      if take(",") { continue }
      guard shape.count > 1 else { throw fault("','") }
      try expect(")")
      break
    }
    return shape
  }

  private mutating func readInteger() throws(ArrayFormatError) -> Int {
    skipWhitespace()
    let start = position
    var value = 0
    while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10
    {
      let (product, productOverflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = product.addingReportingOverflow(Int(digit))
      guard !productOverflow, !sumOverflow else {
        throw ArrayFormatError(
          .shapeOverflow, origin, offset: base + start, "expected dimensions below 2^63")
      }
      value = sum
      position += 1
    }
    guard position > start else { throw fault("a dimension") }
    return value
  }

  private mutating func expect(_ token: String) throws(ArrayFormatError) {
    guard take(token) else { throw fault("'\(token)'") }
  }

  private mutating func take(_ token: String) -> Bool {
    skipWhitespace()
    guard bytes[position...].starts(with: token.utf8) else { return false }
    position += token.utf8.count
    return true
  }

  private mutating func skipWhitespace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private func fault(_ expected: String) -> ArrayFormatError {
    let found =
      position == bytes.count
      ? "the end of the header"
      : (0x21..<0x7F).contains(bytes[position])
        ? "'\(Character(UnicodeScalar(bytes[position])))'" : "byte \(bytes[position])"
    return ArrayFormatError(
      .syntax, origin, offset: base + position, "expected \(expected), got \(found)")
  }
}
