/// Reads JSON token by token; it knows what the format's headers and indices can contain and no more.
///
/// There is no recursion: whoever calls asks for the kind of value that may stand at the place.
struct JSONScanner {
  private let bytes: [UInt8]
  private let document: String
  private let path: String
  private let base: Int
  private var position = 0

  /// A scanner over a `document`, such as "the header", that starts at byte `base` of the file at
  /// `path`.
  init(_ bytes: [UInt8], _ document: String, base: Int, path: String) {
    self.bytes = bytes
    self.document = document
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
    member: (inout JSONScanner, String, Int) throws(SafetensorsError) -> Void
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
    var plain = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let string: String?
        if text.isEmpty {
          string = String(validating: bytes[plain..<position], as: UTF8.self)
        } else {
          text.append(contentsOf: bytes[plain..<position])
          string = String(validating: text, as: UTF8.self)
        }
        position += 1
        guard let string else {
          throw fault(.notUTF8, at: base + start, "expected UTF-8 in \(what)")
        }
        return string
      case UInt8(ascii: "\\"):
        text.append(contentsOf: bytes[plain..<position])
        position += 1
        text.append(contentsOf: try readEscape())
        plain = position
      case let byte where byte < 0x20:
        throw fault(.syntax, "expected no control character in \(what), got \(byte)")
      default: position += 1
      }
    }
    throw fault(.syntax, "expected '\"' after \(what), got \(found)")
  }

  /// A key of metadata is a word: one of a thousand combining marks would take long to compare.
  func checkMetadataKey(_ key: String, at place: Int) throws(SafetensorsError) {
    guard key.utf8.count <= 4096 else {
      throw fault(
        .metadataKey, at: place,
        "expected a metadata key of at most 4096 bytes, got \(key.utf8.count)")
    }
  }

  /// Whether the next value is a string.
  mutating func startsString() -> Bool {
    skipWhitespace()
    return position < bytes.count && bytes[position] == UInt8(ascii: "\"")
  }

  /// Passes over a number, a truth value or null.
  mutating func skipPlainValue(_ what: String) throws(SafetensorsError) {
    skipWhitespace()
    let start = position
    while position < bytes.count, bytes[position].isPartOfPlainValue { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    let number = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
    guard ["true", "false", "null"].contains(text) || text.wholeMatch(of: number) != nil else {
      position = start
      throw fault(.valueKind, "expected text or a number for \(what), got \(found)")
    }
  }

  /// Expects nothing but white space in the rest of the document.
  mutating func finish() throws(SafetensorsError) {
    skipWhitespace()
    guard position == bytes.count else {
      throw fault(.syntax, "expected the end of \(document), got \(found)")
    }
  }
}

extension JSONScanner {
  /// Reads a whole number without sign.
  mutating func readInteger(_ what: String) throws(SafetensorsError) -> Int {
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
      throw fault(.syntax, at: start, "expected an escape, got the end of \(document)")
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
      throw fault(.syntax, "expected \(what), got the end of \(document)")
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
    guard position < bytes.count else { return "the end of \(document)" }
    let byte = bytes[position]
    return (0x21..<0x7F).contains(byte)
      ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
  }
}

extension UInt8 {
  /// Whether the byte may stand in a number, `true`, `false` or `null`.
  fileprivate var isPartOfPlainValue: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "E"):
      true
    default: false
    }
  }
}

/// `text` as a JSON string.
func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\":
      result.unicodeScalars.append("\\")
      result.unicodeScalars.append(scalar)
    case "\0"..<" ":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
