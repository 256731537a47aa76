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
    /// A patch made for another state of the graph.
    case stalePatch
    /// A patch that removes a node whose results are still needed.
    case removedProducer
    /// A patch that renames what may not be renamed.
    case interfaceChanged
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}
