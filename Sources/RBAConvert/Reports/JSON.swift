import FoundationEssentials
import GraphIR

/// A report as a JSON document with sorted keys; numbers JSON cannot express become strings.
///
/// Characters that would steer a terminal stand as JSON's escapes, as a line's do.
public func jsonDocument(_ report: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  return escapingUnprintable(String(decoding: try encoder.encode(report), as: UTF8.self))
}

/// The line as a terminal may show it: what would steer it is written as an escape.
public func printable(_ line: String) -> String { line.printable }

/// A JSON document in which only the line feeds between its values are not printable: the encoder
/// escapes what lies below U+0020 in strings, and nothing else.
private func escapingUnprintable(_ document: String) -> String {
  guard !document.unicodeScalars.allSatisfy({ $0 == "\n" || $0.isPrintable }) else {
    return document
  }
  return document.unicodeScalars.map { scalar in
    guard scalar != "\n", !scalar.isPrintable else { return String(scalar) }
    return UTF16.encode(scalar)!.map { unit in
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }.joined()
}

/// A value that is written as `null` where there is none, so that readers find every key.
@propertyWrapper
public struct NullEncoded<Value: Encodable & Sendable>: Encodable, Sendable {
  /// The value, if there is one.
  public var wrappedValue: Value?

  /// Wraps a value.
  public init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  /// Writes the value or `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}
