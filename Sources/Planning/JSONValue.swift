import Tensors

/// A JSON document, read strictly: no key twice, nothing after the end, nesting within limits.
///
/// People edit plans by hand, and Foundation's decoder neither says where a document is malformed nor
/// minds a key that stands twice.
indirect enum JSONValue {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  /// Members in the order of the document.
  case object([(key: String, value: JSONValue)])

  /// What the value is called in a message.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }

  /// Reads the document that `bytes` hold.
  ///
  /// Source: RFC 8259.
  ///
  /// - Throws: `PlanError` with `.malformed` and the line of the first fault.
  init(_ bytes: [UInt8]) throws(PlanError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PlanError(.malformed, "expected a JSON document, got bytes that are not UTF-8")
    }
    var scanner = JSONScanner(text)
    self = try scanner.document()
  }
}

/// Reads a JSON text from its start to its end.
private struct JSONScanner {
  private var rest: Substring.UnicodeScalarView
  private var line = 1

  private static let maximumDepth = 32

  init(_ text: String) { rest = Substring(text).unicodeScalars }

  mutating func document() throws(PlanError) -> JSONValue {
    let value = try value(depth: 0)
    skipBlanks()
    guard rest.isEmpty else { throw fault("the end") }
    return value
  }

  private mutating func value(depth: Int) throws(PlanError) -> JSONValue {
    skipBlanks()
    guard depth < Self.maximumDepth else {
      throw PlanError(
        .malformed, "line \(line): expected at most \(Self.maximumDepth) levels of nesting")
    }
    switch rest.first {
    case "{": return .object(try object(depth: depth))
    case "[": return .array(try array(depth: depth))
    case "\"": return .string(try string())
    case let scalar? where scalar == "-" || ("0"..."9").contains(scalar):
      return .number(try number())
    default:
      for (word, value) in [
        ("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false)),
      ]
      where rest.starts(with: word.unicodeScalars) {
        rest.removeFirst(word.unicodeScalars.count)
        return value
      }
      throw fault("a value")
    }
  }

  private mutating func object(depth: Int) throws(PlanError) -> [(key: String, value: JSONValue)] {
    var members: [(key: String, value: JSONValue)] = []
    var keys: Set<ExactText> = []
    rest.removeFirst()
    if take("}") { return members }
    repeat {
      skipBlanks()
      guard rest.first == "\"" else { throw fault("a key") }
      let key = try string()
      guard keys.insert(ExactText(key)).inserted else {
        throw PlanError(.malformed, "line \(line): expected one '\(key)', got two")
      }
      guard take(":") else { throw fault("':'") }
      members.append((key, try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw fault("',' or '}'") }
    return members
  }

  private mutating func array(depth: Int) throws(PlanError) -> [JSONValue] {
    var values: [JSONValue] = []
    rest.removeFirst()
    if take("]") { return values }
    repeat { values.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw fault("',' or ']'") }
    return values
  }

  private mutating func number() throws(PlanError) -> Double {
    let start = rest
    func digits(_ rest: inout Substring.UnicodeScalarView) -> Int {
      let run = rest.prefix { ("0"..."9").contains($0) }
      rest = rest[run.endIndex...]
      return run.count
    }
    if rest.first == "-" { rest.removeFirst() }
    let leadsWithZero = rest.first == "0"
    let count = digits(&rest)
    guard count == 1 || count > 1 && !leadsWithZero else { throw fault("a number") }
    if rest.first == "." {
      rest.removeFirst()
      guard digits(&rest) > 0 else { throw fault("a digit") }
    }
    if rest.first == "e" || rest.first == "E" {
      rest.removeFirst()
      if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
      guard digits(&rest) > 0 else { throw fault("a digit") }
    }
    let text = String(start[..<rest.startIndex])
    guard let number = Double(text), number.isFinite else {
      throw PlanError(.malformed, "line \(line): expected a number that is finite, got \(text)")
    }
    return number
  }

  private mutating func string() throws(PlanError) -> String {
    var result = String.UnicodeScalarView()
    rest.removeFirst()
    while true {
      let run = rest.prefix { $0 != "\"" && $0 != "\\" && $0 >= " " }
      result.append(contentsOf: run)
      rest = rest[run.endIndex...]
      guard let scalar = rest.first, scalar >= " " else { throw fault("a closing quote") }
      rest.removeFirst()
      if scalar == "\"" { return String(result) }
      result.append(try escape())
    }
  }

  /// What stands behind a backslash.
  private mutating func escape() throws(PlanError) -> Unicode.Scalar {
    guard let letter = rest.first else { throw fault("an escape") }
    let plain: [Unicode.Scalar: Unicode.Scalar] = [
      "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
    ]
    if let scalar = plain[letter] {
      rest.removeFirst()
      return scalar
    }
    guard letter == "u" else { throw fault("an escape") }
    let high = try codeUnit()
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard UTF16.isLeadSurrogate(high), rest.starts(with: "\\u".unicodeScalars) else {
      throw fault("the second half of a surrogate pair")
    }
    rest.removeFirst()
    let low = try codeUnit()
    guard UTF16.isTrailSurrogate(low) else { throw fault("the second half of a surrogate pair") }
    return UTF16.decode(UTF16.EncodedScalar([high, low]))
  }

  /// `u` and four hexadecimal digits.
  private mutating func codeUnit() throws(PlanError) -> UInt16 {
    rest.removeFirst()
    let digits = rest.prefix(4)
    guard digits.count == 4, digits.allSatisfy(\.properties.isASCIIHexDigit),
      let unit = UInt16(String(digits), radix: 16)
    else { throw fault("four hexadecimal digits") }
    rest.removeFirst(4)
    return unit
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard rest.first == scalar else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func skipBlanks() {
    while let scalar = rest.first, [" ", "\t", "\n", "\r"].contains(scalar) {
      if scalar == "\n" { line += 1 }
      rest.removeFirst()
    }
  }

  private func fault(_ expected: String) -> PlanError {
    let found = rest.first.map { "'\($0)'" } ?? "the end"
    return PlanError(.malformed, "line \(line): expected \(expected), got \(found)")
  }
}
