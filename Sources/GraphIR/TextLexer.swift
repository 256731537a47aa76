/// Why a text is no graph or model, and where.
package struct TextError: Error, Sendable, CustomStringConvertible {
  /// Counted from 1.
  package let line: Int
  /// Counted in bytes from 1.
  package let column: Int
  package let message: String

  package var description: String { "\(line):\(column): \(message)" }
}

/// A part of the textual syntax that cannot be divided.
enum TextToken: Equatable {
  /// Letters, digits and underscores.
  case word(Substring)
  /// A number; `inf` and `nan` are words unless signed.
  case number(Substring)
  case string(String)
  /// A single character, or `=>` or `...`.
  case mark(String)
  case end
}

/// Divides a text into tokens, one ahead of the parser.
struct TextLexer {
  private(set) var token = TextToken.end
  private let text: Substring.UTF8View
  private var position: String.Index
  private var start: String.Index

  init(_ text: String) throws(TextError) {
    self.text = Substring(text).utf8
    position = self.text.startIndex
    start = position
    try advance()
  }

  /// A fault at the present token.
  func error(_ message: String) -> TextError {
    var line = 1
    var column = 1
    for byte in text[..<start] {
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else {
        column += 1
      }
    }
    return TextError(line: line, column: column, message: message)
  }

  /// Moves to the next token.
  mutating func advance() throws(TextError) {
    skipSpace()
    start = position
    guard let byte = peek else {
      token = .end
      return
    }
    switch byte {
    case UInt8(ascii: "\""): token = .string(try string())
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      token = .number(taking(isNumeric))
    case let letter where isWordByte(letter): token = .word(taking(isWordByte))
    default:
      if text[position...].starts(with: "=>".utf8) {
        mark(length: 2)
      } else if text[position...].starts(with: "...".utf8) {
        mark(length: 3)
      } else {
        mark(length: 1)
      }
    }
  }

  private var peek: UInt8? { position < text.endIndex ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek {
      if byte == UInt8(ascii: "#") {
        while let byte = peek, byte != UInt8(ascii: "\n") { step() }
      } else if byte == 0x20 || (0x09...0x0d).contains(byte) {
        step()
      } else {
        return
      }
    }
  }

  private mutating func step() { position = text.index(after: position) }

  private mutating func taking(_ belongs: (UInt8) -> Bool) -> Substring {
    while let byte = peek, belongs(byte) { step() }
    return Substring(text[start..<position])
  }

  private mutating func mark(length: Int) {
    for _ in 0..<length { step() }
    token = .mark(String(decoding: text[start..<position], as: UTF8.self))
  }

  private mutating func string() throws(TextError) -> String {
    var bytes: [UInt8] = []
    step()
    while let byte = peek, byte != UInt8(ascii: "\"") {
      step()
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let escape = peek else { break }
      step()
      switch escape {
      case UInt8(ascii: "n"): bytes.append(0x0a)
      case UInt8(ascii: "r"): bytes.append(0x0d)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "u"): bytes += try scalar()
      default: bytes.append(escape)
      }
    }
    guard peek != nil else { throw error("a string without its closing quotation mark") }
    step()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What stands behind `\u`: a hexadecimal number in braces.
  private mutating func scalar() throws(TextError) -> [UInt8] {
    let rest = text[position...]
    guard rest.first == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")),
      let number = UInt32(Substring(rest[rest.index(after: position)..<end]), radix: 16),
      let scalar = Unicode.Scalar(number)
    else { throw error("expected a character's number in braces behind '\\u'") }
    position = text.index(after: end)
    return Array(String(Character(scalar)).utf8)
  }
}

private func isWordByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
  default: false
  }
}

private func isNumeric(_ byte: UInt8) -> Bool {
  isWordByte(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "+")
    || byte == UInt8(ascii: "-")
}
