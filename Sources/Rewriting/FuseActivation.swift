package import GraphIR
import Operators

/// Lets a product apply the activation that follows it.
///
///     p = FusedGemm(x, w, b)
///     y = Gelu(p)      →   y = FusedGemm<activation = "gelu">(x, w, b)
///
/// Relu, Gelu of either kind, and Swish with alpha 1; the product has no activation yet.
package struct FuseGemmActivation: RewriteRule {
  package static let name = "fuse-gemm-activation"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    try activationPatch(Self.name, at: root, in: graph, of: "FusedGemm")
  }
}

/// Lets a convolution apply the activation that follows it.
///
///     c = Conv(x, w, b)
///     y = Relu(c)      →   y = FusedConv<activation = "relu">(x, w, b)
package struct FuseConvActivation: RewriteRule {
  package static let name = "fuse-conv-activation"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    try activationPatch(Self.name, at: root, in: graph, of: "FusedConv")
  }
}

private func activationPatch(
  _ name: String, at root: NodeID, in graph: Graph, of operatorType: String
) throws(MatchFailure) -> GraphPatch {
  guard let activation = graph[root].fusedActivation else {
    throw MatchFailure("expected an activation")
  }
  let product = graph[root].input(0)
  guard let id = graph.fusible(computing: product, as: operatorType),
    graph[id].string("activation") ?? "none" == "none"
  else { throw MatchFailure("expected a product without activation") }
  guard graph.isReadOnce(product!) else { throw MatchFailure("the product is read elsewhere") }
  var patch = GraphPatch(name, of: graph)
  var node = graph[id]
  (node.operatorType, node.domain) = (operatorType, loweredDomain)
  node.attributes.removeAll { $0.name == "activation" }
  node.attributes.append(Attribute("activation", activation.rawValue))
  patch.substitute(node, for: root, interior: [id], in: graph)
  return patch
}

extension Graph {
  /// The node that computes `value`, if it is this lowered operator or becomes it without more ado.
  func fusible(computing value: ValueID?, as operatorType: String) -> NodeID? {
    if let id = loweredNode(computing: value, operatorType) { return id }
    return operatorType == "FusedConv" ? node(computing: value, "Conv") : nil
  }
}

extension Node {
  /// The activation that the node applies, if products can apply it too.
  fileprivate var fusedActivation: FusedActivation? {
    guard canonicalDomain.isEmpty || domain == loweredDomain, hasOneOutput else { return nil }
    switch operatorType {
    case "Relu": return .relu
    case "Gelu": return string("approximate") == "tanh" ? .geluTanh : .gelu
    case "Swish": return float("alpha") ?? 1 == 1 ? .silu : nil
    default: return nil
    }
  }
}
