/// Why a plan, or a person's choice of spans, cannot be followed.
package struct PlanError: Error, Sendable, CustomStringConvertible {
  /// One case per fault.
  package enum Code: Sendable, Hashable {
    /// Not JSON, or a field is missing or of the wrong kind.
    case malformed
    /// The document is of another schema or version.
    case unknownSchema
    /// The plan was made for another model.
    case otherModel
    /// A label or value name that is no point of a stream.
    case unknownPoint
    /// A span that does not lead forward within one stream.
    case invalidSpan
    /// Two spans that share work, or two updates of one weight.
    case overlap
    /// An update of what is no stored weight.
    case unknownWeight
    /// Weights missing, superfluous, of the wrong size, or not finite.
    case invalidWeights
    /// A model whose element type or operator set takes no replacement.
    case unsupportedModel
  }

  package let code: Code
  /// The place, such as `spans[1].weights`; empty for the document as a whole.
  package let path: String
  package let message: String

  package init(_ code: Code, path: String = "", _ message: String) {
    self.code = code
    self.path = path
    self.message = message
  }

  package var description: String { path.isEmpty ? message : "\(path): \(message)" }
}
