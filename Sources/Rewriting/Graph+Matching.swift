import GraphIR
import Operators

/// Questions that patterns ask of a graph.
extension Graph {
  /// The node of the default domain that computes `value`, if it applies one of `operators`.
  func node(computing value: ValueID?, _ operators: String...) -> NodeID? {
    guard let value, let id = producer(of: value), operators.contains(where: { self[id].is($0) })
    else { return nil }
    return id
  }

  /// Whether the node applies one of these operators of the default domain.
  func applies(_ id: NodeID, _ operators: String...) -> Bool {
    operators.contains { self[id].is($0) }
  }

  /// The node that computes `value`, if it applies this operator of the lowered domain.
  func loweredNode(computing value: ValueID?, _ operatorType: String) -> NodeID? {
    guard let value, let id = producer(of: value), self[id].domain == loweredDomain,
      self[id].operatorType == operatorType
    else { return nil }
    return id
  }

  /// The operands of a commutative node in both orders.
  func operandOrders(of id: NodeID) -> [(ValueID, ValueID)] {
    let inputs = self[id].inputs
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else { return [] }
    return a == b ? [(a, b)] : [(a, b), (b, a)]
  }

  /// Whether nothing but one node reads the value, once.
  func isReadOnce(_ value: ValueID) -> Bool { onlyUser(of: value) != nil }
}

extension Node {
  /// Input `index`, where it is present.
  func input(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }

  /// Whether all outputs behind the first are absent.
  var hasOneOutput: Bool { outputs.count >= 1 && outputs.dropFirst().allSatisfy { $0 == nil } }
}

extension GraphPatch {
  /// Puts `node` in the place of `root`, whose outputs it takes over, and removes those of `interior`
  /// that nothing needs then.
  ///
  /// - Parameter interior: nodes of the pattern, each before those that compute what it reads.
  mutating func substitute(
    _ node: Node, for root: NodeID, interior: [NodeID] = [], in graph: Graph
  ) {
    var node = node
    node.name = graph[root].name
    node.outputs = graph[root].outputs
    insert(node, before: root)
    remove(root)
    var removed: Set<NodeID> = [root]
    for id in interior where !removed.contains(id) {
      let isNeeded = graph[id].outputs.contains { output in
        guard let output else { return false }
        return graph[output].outputCount > 0
          || node.inputs.contains(output)
          || !graph[output].users.allSatisfy(removed.contains)
      }
      if isNeeded { continue }
      remove(id)
      removed.insert(id)
    }
  }
}
