package import GraphIR
import Tensors

/// Lets readers of a copy read the original.
///
///     y = Identity(x)      z = Relu(x)
///     z = Relu(y)     →
///
/// `Dropout` that does not train is a copy too.
package struct EliminateIdentity: RewriteRule {
  package static let name = "eliminate-identity"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    let node = graph[root]
    guard node.is("Identity") || node.is("Dropout") else {
      throw MatchFailure("expected an Identity or Dropout node")
    }
    guard node.hasOneOutput, let x = node.input(0), let y = node.outputs[0] else {
      throw MatchFailure("the mask is asked for")
    }
    if node.is("Dropout") { try check(node, graph, context) }
    guard graph[y].outputCount == 0 else { throw MatchFailure("the copy is an output") }
    var patch = GraphPatch(Self.name, of: graph)
    patch.replace(y, with: x)
    patch.remove(root)
    return patch
  }

  private func check(
    _ node: Node, _ graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) {
    if context.opset < 7, node.int("is_test") ?? 0 == 0 { throw MatchFailure("the node trains") }
    guard let mode = node.input(2) else { return }
    guard let tensor = context.constant(mode, in: graph), tensor.elementType == .bool,
      tensor.elements(as: Bool.self) == [false]
    else { throw MatchFailure("the node may train") }
  }
}
