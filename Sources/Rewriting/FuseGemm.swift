package import GraphIR
import Operators
import Tensors

/// Brings Gemm with constant weights to the form that activations and residuals fuse into.
///
///     y = Gemm<transB = 1>(x, w, c)      →   y = FusedGemm<transB = 1>(x, w, c)
///
/// w has two axes and c one of w's extent; alpha and beta are 1, and x is not transposed.
package struct FuseGemm: RewriteRule {
  package static let name = "fuse-gemm"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    let gemm = graph[root]
    guard gemm.is("Gemm") else { throw MatchFailure("expected a Gemm node") }
    guard gemm.float("alpha") ?? 1 == 1, gemm.float("beta") ?? 1 == 1, gemm.int("transA") ?? 0 == 0
    else { throw MatchFailure("expected alpha and beta 1 and transA 0") }
    guard let w = context.floats(gemm.input(1), rank: 2, in: graph) else {
      throw MatchFailure("expected a constant matrix")
    }
    let transB = gemm.int("transB") ?? 0 == 0 ? 0 : 1
    if let c = gemm.input(2) {
      guard let bias = context.floats(c, rank: 1, in: graph), bias.count == w.shape[1 - transB]
      else { throw MatchFailure("expected a constant bias that fits the matrix") }
    }
    var patch = GraphPatch(Self.name, of: graph)
    let node = Node(
      "FusedGemm", domain: loweredDomain, inputs: gemm.inputs, outputs: [],
      attributes: [Attribute("transB", transB)])
    patch.substitute(node, for: root, in: graph)
    return patch
  }
}
