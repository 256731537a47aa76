package import GraphIR
import Operators

/// Lets a product add the residual that follows it.
///
///     p = FusedGemm(x, w, b)
///     y = Add(r, p)      →   y = FusedGemm(x, w, b, r)
///
/// The product has no activation and no residual yet.
package struct FuseGemmResidual: RewriteRule {
  package static let name = "fuse-gemm-residual"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    try residualPatch(Self.name, at: root, in: graph, of: "FusedGemm")
  }
}

/// Lets a convolution add the residual that follows it.
///
///     c = Conv(x, w, b)
///     y = Add(c, r)      →   y = FusedConv(x, w, b, r)
package struct FuseConvResidual: RewriteRule {
  package static let name = "fuse-conv-residual"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    try residualPatch(Self.name, at: root, in: graph, of: "FusedConv")
  }
}

private func residualPatch(
  _ name: String, at root: NodeID, in graph: Graph, of operatorType: String
) throws(MatchFailure) -> GraphPatch {
  guard graph[root].is("Add") else { throw MatchFailure("expected an Add node") }
  var failure = MatchFailure("expected a product to add to")
  for (product, residual) in graph.operandOrders(of: root) {
    guard let id = graph.fusible(computing: product, as: operatorType) else { continue }
    guard graph[id].string("activation") ?? "none" == "none", graph[id].input(3) == nil else {
      failure = MatchFailure("the product has an activation or a residual already")
      continue
    }
    guard graph.isReadOnce(product) else {
      failure = MatchFailure("the product is read elsewhere")
      continue
    }
    var patch = GraphPatch(name, of: graph)
    var node = graph[id]
    (node.operatorType, node.domain) = (operatorType, loweredDomain)
    node.inputs = [node.input(0), node.input(1), node.input(2), residual]
    patch.substitute(node, for: root, interior: [id], in: graph)
    return patch
  }
  throw failure
}
