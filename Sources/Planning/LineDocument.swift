import FoundationEssentials

/// What is kept as a line of JSON in a file's metadata.
package protocol LineDocument: Encodable {}

extension LineDocument {
  /// The document on one line, with keys in a fixed order.
  package func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
