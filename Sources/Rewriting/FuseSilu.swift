package import GraphIR
import Operators

/// Recognises SiLU that an exporter wrote out.
///
///     s = Sigmoid(x)
///     y = Mul(x, s)      →   y = Swish(x)
package struct FuseSilu: RewriteRule {
  package static let name = "fuse-silu"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    guard graph[root].is("Mul") else { throw MatchFailure("expected a Mul node") }
    for (x, gate) in graph.operandOrders(of: root) {
      guard let sigmoid = graph.node(computing: gate, "Sigmoid"), graph[sigmoid].input(0) == x
      else { continue }
      var patch = GraphPatch(Self.name, of: graph)
      let node = Node("Swish", domain: loweredDomain, inputs: [x], outputs: [])
      patch.substitute(node, for: root, interior: [sigmoid], in: graph)
      return patch
    }
    throw MatchFailure("expected a product with the factor's own sigmoid")
  }
}
