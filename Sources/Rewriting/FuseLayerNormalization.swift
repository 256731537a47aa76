package import GraphIR
import Operators
import Tensors

/// Recognises layer normalisation over the last axis that an exporter wrote out.
///
///     m = ReduceMean<axes = [-1]>(x)
///     c = Sub(x, m)
///     q = Pow(c, two)
///     v = ReduceMean<axes = [-1]>(q)
///     w = Add(v, epsilon)
///     d = Sqrt(w)
///     n = Div(c, d)
///     s = Mul(n, scale)
///     y = Add(s, bias)              →   y = LayerNormalization<epsilon>(x, scale, bias)
///
/// Sums and products in either order; the square also as `Mul(c, c)`, the root as `Pow(w, 0.5)`, the
/// quotient as a product with the root's `Reciprocal`.
package struct FuseLayerNormalization: RewriteRule {
  package static let name = "fuse-layer-normalization"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    guard graph[root].is("Add") else { throw MatchFailure("expected an Add node") }
    var match = Match(graph: graph, context: context)
    for (product, bias) in graph.operandOrders(of: root) {
      guard context.floats(bias, rank: 1, in: graph) != nil,
        let mul = graph.node(computing: product, "Mul")
      else { continue }
      for (normalized, scale) in graph.operandOrders(of: mul) {
        guard context.floats(scale, rank: 1, in: graph) != nil else { continue }
        match.interior = [mul]
        let (x, epsilon) = try match.standardized(normalized)
        var patch = GraphPatch(Self.name, of: graph)
        let node = Node(
          "LayerNormalization", domain: loweredDomain, inputs: [x, scale, bias], outputs: [],
          attributes: [Attribute("axis", -1), Attribute("epsilon", epsilon)])
        patch.substitute(node, for: root, interior: match.interior, in: graph)
        return patch
      }
    }
    throw MatchFailure("expected a constant scale and bias of one axis")
  }
}

private struct Match {
  let graph: Graph
  let context: RewriteContext
  var interior: [NodeID] = []

  /// x and epsilon, where `value` is (x − mean) / √(variance + epsilon).
  mutating func standardized(_ value: ValueID) throws(MatchFailure) -> (ValueID, Float) {
    guard let quotient = graph.node(computing: value, "Div", "Mul") else {
      throw MatchFailure("expected a quotient before the scale")
    }
    interior.append(quotient)
    let orders =
      graph[quotient].is("Div")
      ? graph.operandOrders(of: quotient).prefix(1) : graph.operandOrders(of: quotient)[...]
    for (centered, deviation) in orders {
      var deviation = deviation
      var nodes: [NodeID] = []
      if graph[quotient].is("Mul") {
        guard let reciprocal = graph.node(computing: deviation, "Reciprocal"),
          let input = graph[reciprocal].input(0)
        else { continue }
        nodes.append(reciprocal)
        deviation = input
      }
      guard let root = graph.node(computing: deviation, "Sqrt", "Pow"),
        graph[root].is("Sqrt") || context.scalar(graph[root].input(1), in: graph) == 0.5
      else { throw MatchFailure("expected a root under the quotient") }
      interior += nodes + [root]
      let (x, center) = try difference(centered)
      let (square, epsilon) = try variance(graph[root].input(0))
      guard try difference(square).x == x else {
        throw MatchFailure("the variance is another value's")
      }
      interior.append(center)
      try appendMean(of: center, x)
      return (x, epsilon)
    }
    throw MatchFailure("expected a root under the quotient")
  }

  /// The squared value and epsilon of mean(value²) + epsilon.
  private mutating func variance(_ value: ValueID?) throws(MatchFailure) -> (ValueID, Float) {
    guard let sum = graph.node(computing: value, "Add") else {
      throw MatchFailure("expected an epsilon under the root")
    }
    interior.append(sum)
    for (variance, epsilon) in graph.operandOrders(of: sum) {
      guard let epsilon = context.scalar(epsilon, in: graph) else { continue }
      let (squares, mean) = try meanInput(variance)
      guard let square = graph.node(computing: squares, "Pow", "Mul"),
        let base = graph[square].input(0)
      else { throw MatchFailure("expected the mean of a square") }
      let isSquare =
        graph[square].is("Mul")
        ? graph[square].input(1) == base : context.scalar(graph[square].input(1), in: graph) == 2
      guard isSquare else { throw MatchFailure("expected the mean of a square") }
      interior += [mean, square]
      return (base, Float(epsilon))
    }
    throw MatchFailure("expected an epsilon under the root")
  }

  /// x and the node of x − mean(x).
  private func difference(_ value: ValueID) throws(MatchFailure) -> (x: ValueID, node: NodeID) {
    guard let node = graph.node(computing: value, "Sub"), let x = graph[node].input(0) else {
      throw MatchFailure("expected a difference from the mean")
    }
    guard try meanInput(graph[node].input(1)).x == x else {
      throw MatchFailure("the mean is another value's")
    }
    return (x, node)
  }

  private mutating func appendMean(of difference: NodeID, _ x: ValueID) throws(MatchFailure) {
    interior.append(try meanInput(graph[difference].input(1)).node)
  }

  /// What a mean along the last axis, kept as 1, is taken of.
  private func meanInput(_ value: ValueID?) throws(MatchFailure) -> (x: ValueID, node: NodeID) {
    guard let node = graph.node(computing: value, "ReduceMean"), let x = graph[node].input(0)
    else { throw MatchFailure("expected a mean") }
    let listed = graph[node].input(1).flatMap { context.constant($0, in: graph)?.integers }
    guard let axes = graph[node].ints("axes") ?? listed, axes.count == 1,
      axes[0] == -1 || context.types[x].map({ axes[0] == $0.shape.count - 1 }) ?? false,
      graph[node].int("keepdims") ?? 1 != 0
    else { throw MatchFailure("expected a mean along the last axis") }
    return (x, node)
  }
}
