package import GraphIR
package import Operators

/// The nodes of a model that cannot be evaluated, whatever is fed.
package struct UnevaluatedNodes: Sendable {
  /// An operator without implementation.
  package struct Operator: Sendable, Hashable {
    /// Such as `com.example::Thing (opset 1)`.
    package let name: String
    package var count: Int
    /// The label of the first node that uses it.
    package let place: String
  }

  /// The operators, in the order of their first nodes.
  package private(set) var operators: [Operator] = []
  package private(set) var nodes: Set<NodeID> = []

  /// - Parameter model: has its calls of functions inlined.
  package init(in model: Model, registry: OperatorRegistry = .standard) {
    let table = OperatorTable(model, registry: registry)
    for (id, node) in model.graph.nodes where table.operators[id] == nil {
      add(id, node, opset: model.opset(of: node.canonicalDomain) ?? 1)
    }
  }

  /// Counts a node in.
  package mutating func add(_ id: NodeID, _ node: Node, opset: Int) {
    guard nodes.insert(id).inserted else { return }
    let domain = node.canonicalDomain.isEmpty ? "" : "\(node.canonicalDomain)::"
    let name = "\(domain)\(node.operatorType) (opset \(opset))"
    if let index = operators.firstIndex(where: { $0.name == name }) {
      operators[index].count += 1
    } else {
      operators.append(Operator(name: name, count: 1, place: node.label))
    }
  }

  /// All operators, the most frequent first, with how often and where they stand.
  package var description: String {
    operators.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
      .map { "\($0.count) × \($0.name), first at \($0.place)" }.joined(separator: "; ")
  }
}
