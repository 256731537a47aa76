import Operators

/// Why a model cannot be run, or not on these inputs.
package struct ExecutionError: Error, Sendable, CustomStringConvertible {
  /// One case per kind of fault.
  package enum Code: Sendable, Hashable {
    /// The graph uses operators, versions or attribute values that have no implementation.
    case unsupportedOperators
    /// A node refuses its inputs.
    case operatorFailed
    /// An input got no tensor.
    case missingFeed
    /// A tensor's type disagrees with the declaration, or with another input's.
    case feedTypeMismatch
    /// Names of inputs or outputs that Swift's strings cannot tell apart.
    case unsupportedNames
    /// A name that no value of the graph has.
    case unknownValue
    /// A fetched value is no tensor, where one is expected.
    case unsupportedFetch
    /// A fetched value needs an input that is not among the feeds.
    case unfedInput
    /// Intermediate results would not fit the memory allowed.
    case memoryLimit
    /// A shape that only evaluation can tell, where it is needed before.
    case unknownShape
    /// Nodes that need each other's results, or functions that call each other without end.
    case invalidGraph
  }

  package let code: Code
  /// The node's label; empty where the fault is not a node's.
  package let place: String
  package let message: String
  /// More about it, one line each.
  package let notes: [String]

  package init(_ code: Code, place: String = "", _ message: String, notes: [String] = []) {
    self.code = code
    self.place = place
    self.message = message
    self.notes = notes
  }

  init(_ error: OperatorError, at place: String) {
    self.init(
      error.code == .tooLarge ? .memoryLimit : .operatorFailed, place: place, error.message)
  }

  package var description: String { place.isEmpty ? message : "\(place): \(message)" }
}
