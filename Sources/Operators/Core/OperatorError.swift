/// Why a node cannot be understood or evaluated. The caller knows which node, and says so.
package struct OperatorError: Error, Sendable, CustomStringConvertible {
  /// One case per kind of fault.
  package enum Code: Sendable, Hashable {
    /// No implementation for the operator, its version, an attribute's value or an element type.
    case unsupported
    /// Too few or too many inputs or outputs.
    case arity
    /// An attribute is missing, of the wrong kind, or out of range.
    case invalidAttribute
    /// Extents that do not fit one another.
    case shapeMismatch
    /// Element types that do not fit one another or the operator.
    case typeMismatch
    /// A result's shape is negative or too large.
    case invalidShape
    /// An index outside its axis, or another fault in an input's contents.
    case invalidValue
    /// Results that would take more memory than is allowed.
    case tooLarge
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// - Parameter result: what would take so much.
  package static func tooLarge(_ result: String, bytes: Int, allowed: Int) -> OperatorError {
    OperatorError(
      .tooLarge, "\(result) needs \(bytes) bytes, more than the \(allowed) that are allowed")
  }

  package var description: String { message }
}
