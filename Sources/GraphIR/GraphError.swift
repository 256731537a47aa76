/// Why nodes and values do not make a graph, or a patch does not fit one.
package struct GraphError: Error, Sendable, CustomStringConvertible {
  /// One case per fault.
  package enum Code: Sendable, Hashable {
    /// Two producers for one value: nodes, inputs or initializers.
    case duplicateProducer
    /// A node or an output reads a value that nothing produces.
    case danglingValue
    /// Nodes that need each other's results.
    case cycle
    /// A node of a subgraph that computes a value called as one outside.
    case shadowedValue
    /// A patch made for another state of the graph.
    case stalePatch
    /// A patch that removes a node whose results are still needed.
    case removedProducer
    /// A patch that renames what may not be renamed.
    case interfaceChanged
  }

  package let code: Code
  /// The part of the graph, such as `node[3].attribute[0].g.output[1]`; empty for the whole.
  package private(set) var place: String
  package let message: String

  package init(_ code: Code, place: String = "", _ message: String) {
    self.code = code
    self.place = place
    self.message = message
  }

  func within(_ part: String) -> GraphError {
    var error = self
    error.place = place.isEmpty ? part : "\(part).\(place)"
    return error
  }

  package var description: String { message }
}
