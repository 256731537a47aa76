/// Reads the JSON of a header token by token; it holds what the format can contain and no more.
///
/// There is no recursion: whoever calls asks for the kind of value that may stand at the place.
struct HeaderScanner {
  private let bytes: [UInt8]
  private let path: String
  private let base: Int
  private var position = 0

  /// A scanner over a header that starts at byte `base` of the file at `path`.
  init(_ bytes: [UInt8], base: Int, path: String) {
    self.bytes = bytes
    self.base = base
    self.path = path
  }

  /// Where in the file the next token is looked for.
  var offset: Int { base + position }

  /// A fault at `offset`, or at the next token.
  func fault(_ code: SafetensorsError.Code, at offset: Int? = nil, _ message: String)
    -> SafetensorsError
  {
    SafetensorsError(code, path: path, offset: offset ?? self.offset, message)
  }

  /// Reads the members of an object, `member` reading each value after its name.
  mutating func readObject(
    _ what: String,
    member: (inout HeaderScanner, String, Int) throws(SafetensorsError) -> Void
  ) throws(SafetensorsError) {
    try open(UInt8(ascii: "{"), "an object for \(what)")
    if take(UInt8(ascii: "}")) { return }
    repeat {
      skipWhitespace()
      let place = offset
      let name = try readString("a name in \(what)")
      try expect(UInt8(ascii: ":"), "':'")
      try member(&self, name, place)
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "',' or '}'")
  }

  /// Reads an array of numbers.
  mutating func readIntegers(_ what: String) throws(SafetensorsError) -> [Int] {
    var values: [Int] = []
    try open(UInt8(ascii: "["), "an array for \(what)")
    if take(UInt8(ascii: "]")) { return values }
    repeat { values.append(try readInteger(what)) } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "',' or ']'")
    return values
  }

  /// Reads a string, its escapes resolved.
  mutating func readString(_ what: String) throws(SafetensorsError) -> String {
    try open(UInt8(ascii: "\""), "a string for \(what)")
    let start = position
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw fault(.notUTF8, at: base + start, "expected UTF-8 in \(what)")
        }
        return string
      case UInt8(ascii: "\\"):
        position += 1
        text.append(contentsOf: try readEscape())
      case 0..<0x20:
        throw fault(.syntax, "expected no control character in \(what), got \(byte)")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw fault(.syntax, "expected '\"' after \(what), got the end of the header")
  }

  /// Expects nothing but white space in the rest of the header.
  mutating func finish() throws(SafetensorsError) {
    skipWhitespace()
    guard position == bytes.count else {
      throw fault(.syntax, "expected the end of the header, got \(found)")
    }
  }
}

extension HeaderScanner {
  private mutating func readInteger(_ what: String) throws(SafetensorsError) -> Int {
    skipWhitespace()
    let start = offset
    var value = 0
    var digits = 0
    while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10
    {
      let (product, productOverflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = product.addingReportingOverflow(Int(digit))
      guard !productOverflow, !sumOverflow else {
        throw fault(.number, at: start, "expected a number below 2^63 in \(what)")
      }
      guard digits == 0 || value != 0 else {
        throw fault(.syntax, at: start, "expected no leading zero in \(what)")
      }
      value = sum
      digits += 1
      position += 1
    }
    let next = position < bytes.count ? bytes[position] : 0
    if "-.eE".utf8.contains(next) {
      throw fault(.number, at: start, "expected a whole number without sign in \(what)")
    }
    guard digits > 0 else {
      throw fault(kind(of: next), at: start, "expected a number in \(what), got \(found)")
    }
    return value
  }

  private mutating func readEscape() throws(SafetensorsError) -> [UInt8] {
    let start = offset - 1
    guard position < bytes.count else {
      throw fault(.syntax, at: start, "expected an escape, got the end of the header")
    }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): break
    default: throw fault(.syntax, at: start, "expected an escape that JSON defines")
    }
    var units = [try readHexadecimal(start)]
    if UTF16.isLeadSurrogate(units[0]), position + 1 < bytes.count,
      bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
    {
      position += 2
      units.append(try readHexadecimal(start))
    }
    guard let text = String(validating: units, as: UTF16.self) else {
      throw fault(.syntax, at: start, "expected a pair of surrogates, got half of one")
    }
    return Array(text.utf8)
  }

  private mutating func readHexadecimal(_ start: Int) throws(SafetensorsError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue
      else { throw fault(.syntax, at: start, "expected four hexadecimal digits") }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }

  private mutating func open(_ byte: UInt8, _ what: String) throws(SafetensorsError) {
    skipWhitespace()
    guard position < bytes.count else {
      throw fault(.syntax, "expected \(what), got the end of the header")
    }
    guard bytes[position] == byte else {
      throw fault(kind(of: bytes[position]), "expected \(what), got \(found)")
    }
    position += 1
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws(SafetensorsError) {
    guard take(byte) else { throw fault(.syntax, "expected \(what), got \(found)") }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipWhitespace()
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipWhitespace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  /// The fault of a byte that starts a value of the wrong kind, or none.
  private func kind(of byte: UInt8) -> SafetensorsError.Code {
    "\"{[tfn-0123456789".utf8.contains(byte) ? .valueKind : .syntax
  }

  private var found: String {
    guard position < bytes.count else { return "the end of the header" }
    let byte = bytes[position]
    return (0x21..<0x7F).contains(byte)
      ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
  }
}
