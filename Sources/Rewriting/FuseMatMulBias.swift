package import GraphIR
import Operators
import Tensors

/// Makes one node of a product with a constant matrix and the constant bias added to it.
///
///     p = MatMul(x, w)
///     y = Add(p, b)      →   y = FusedGemm(x, w, b)
///
/// w [K, N] and b [N] are constants of type float.
package struct FuseMatMulBias: RewriteRule {
  package static let name = "fuse-matmul-bias"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    guard graph[root].is("Add") else { throw MatchFailure("expected an Add node") }
    for (product, bias) in graph.operandOrders(of: root) {
      guard let matMul = graph.node(computing: product, "MatMul") else { continue }
      guard let b = context.floats(bias, rank: 1, in: graph) else {
        throw MatchFailure("expected a constant bias of one axis")
      }
      guard let w = context.floats(graph[matMul].input(1), rank: 2, in: graph) else {
        throw MatchFailure("expected a constant matrix")
      }
      guard w.shape[1] == b.count else { throw MatchFailure("the bias does not fit the matrix") }
      guard graph.isReadOnce(product) else { throw MatchFailure("the product is read elsewhere") }
      var patch = GraphPatch(Self.name, of: graph)
      let node = Node(
        "FusedGemm", domain: loweredDomain, inputs: graph[matMul].inputs + [bias], outputs: [])
      patch.substitute(node, for: root, interior: [matMul], in: graph)
      return patch
    }
    throw MatchFailure("expected a product to add to")
  }
}
