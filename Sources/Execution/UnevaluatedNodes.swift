package import GraphIR
package import Operators

/// The nodes of a model that cannot be evaluated, whatever is fed.
package struct UnevaluatedNodes: Sendable {
  /// Operators without implementation, in the order of their first nodes.
  package private(set) var operators: [UnsupportedOperator]
  /// Nodes of such operators, nodes that run graphs with such operators, and nodes whose attributes are
  /// refused.
  package private(set) var nodes: Set<NodeID>

  /// - Parameter model: has its calls of functions inlined.
  package init(in model: Model, registry: OperatorRegistry = .standard) {
    let table = OperatorTable(model, registry: registry)
    operators = table.unsupported
    nodes = Set(
      model.graph.order.filter { id in
        table.operators[id] == nil
          || table.bodies[id]?.contains { !$0.planned.table.unsupported.isEmpty } ?? false
      })
  }

  /// Counts in a node whose operator lacks what the node asks of it.
  package mutating func add(_ id: NodeID, _ node: Node, because reason: String) {
    nodes.insert(id)
    operators.count(
      UnsupportedOperator(
        name: "\(node.qualifiedOperator) (\(reason))", count: 1, place: node.label))
  }

  /// How many nodes use each operator.
  package var counts: [String: Int] {
    Dictionary(operators.map { ($0.name, $0.count) }, uniquingKeysWith: +)
  }
}
