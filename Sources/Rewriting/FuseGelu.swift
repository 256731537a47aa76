package import GraphIR
import Operators

/// Recognises GELU that an exporter wrote out, in any order of its factors.
///
///     d = Div(x, sqrt2)
///     e = Erf(d)
///     f = Add(e, one)
///     g = Mul(x, f)
///     y = Mul(g, half)      →   y = Gelu(x)
///
/// So too x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, as `Gelu<approximate = "tanh">`. Coefficients may
/// differ from these by 1e-4 of themselves, which is what exporters round off.
package struct FuseGelu: RewriteRule {
  package static let name = "fuse-gelu"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    guard graph.applies(root, "Mul", "Div", "Add"), let y = graph[root].outputs.first ?? nil else {
      throw MatchFailure("expected a Mul, Div or Add node")
    }
    guard let curve = below(y, in: graph, 4).first(where: { graph.curve($0) != nil }),
      let node = graph.producer(of: curve), let argument = graph[node].input(0)
    else { throw MatchFailure("expected an Erf or Tanh node above") }
    let isTanh = graph[node].is("Tanh")
    let cubic = (2 / Double.pi).squareRoot()
    let expected: [[Int]: Double] =
      isTanh ? [[1]: cubic, [3]: 0.044715 * cubic] : [[1]: 0.5.squareRoot()]
    for x in below(argument, in: graph, 4) {
      guard let product = Polynomial.of(y, in: [x, curve], graph, context),
        product.polynomial.isClose(to: [[1, 0]: 0.5, [1, 1]: 0.5], tolerance: 1e-4),
        let inner = Polynomial.of(argument, in: [x], graph, context),
        inner.polynomial.isClose(to: expected, tolerance: 1e-4)
      else { continue }
      var patch = GraphPatch(Self.name, of: graph)
      let gelu = Node(
        "Gelu", domain: loweredDomain, inputs: [x], outputs: [],
        attributes: [Attribute("approximate", isTanh ? "tanh" : "none")])
      patch.substitute(
        gelu, for: root, interior: product.nodes + [node] + inner.nodes, in: graph)
      return patch
    }
    throw MatchFailure("the factors are not those of GELU")
  }

  /// The values that `value` is computed of through arithmetic, the nearest first.
  private func below(_ value: ValueID, in graph: Graph, _ depth: Int) -> [ValueID] {
    var result: [ValueID] = []
    var level = [value]
    for _ in 0..<depth {
      level = level.flatMap { value in
        graph.node(computing: value, "Mul", "Div", "Add", "Pow").map {
          graph[$0].inputs.compactMap(\.self)
        } ?? []
      }
      result += level
    }
    return result
  }
}

extension Graph {
  fileprivate func curve(_ value: ValueID) -> NodeID? { node(computing: value, "Erf", "Tanh") }
}
