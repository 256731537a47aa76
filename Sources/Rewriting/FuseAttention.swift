package import GraphIR
import Operators
import Tensors

/// Makes one node of attention, whose scores then never leave the cache.
///
///     p = MatMul(q, k)
///     r = Mul(p, scale)
///     s = Add(r, mask)
///     w = Softmax<axis = -1>(s)
///     o = MatMul(w, v)
///     y = Transpose<perm = [0, 2, 1, 3]>(o)      →   y = FusedAttention<perm = [0, 2, 1, 3]>(q, k, v, mask, scale)
///
/// The scale, of one element, may also divide; scale, mask and transposition may each be missing. Where
/// exporters guard against rows that are masked whole by `Where(IsNaN(w), zero, w)`, so does the node. q, k
/// and v are whatever the products read: views of a joint projection, k transposed, either scaled before.
package struct FuseAttention: RewriteRule {
  package static let name = "fuse-attention"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    var interior: [NodeID] = []
    var product = root
    var permutation: [Int]?
    if graph[root].is("Transpose") {
      guard let matMul = graph.node(computing: graph[root].input(0), "MatMul"),
        let perm = graph[root].suitablePermutation
      else { throw MatchFailure("expected a product whose last axis stays last") }
      (product, permutation) = (matMul, perm)
      interior.append(matMul)
      try expectReadOnce(graph[root].input(0), graph)
    } else {
      guard graph[root].is("MatMul") else { throw MatchFailure("expected a MatMul or Transpose") }
      if let output = graph[root].outputs[0], let user = graph.onlyUser(of: output),
        graph[user].suitablePermutation != nil
      {
        throw MatchFailure("the result is transposed: the pattern ends there")
      }
    }
    guard let v = graph[product].input(1) else { throw MatchFailure("expected two operands") }
    let weights = try self.weights(graph[product].input(0), graph, context)
    let softmax = weights.softmax
    try checkAxis(of: softmax, rank: permutation?.count, graph, context)
    interior += weights.guards
    guard let input = graph[softmax].input(0) else { throw MatchFailure("expected scores") }
    interior.append(softmax)
    let scores = try self.scores(input, graph, context)
    guard let q = graph[scores.product].input(0), let k = graph[scores.product].input(1) else {
      throw MatchFailure("expected scores")
    }
    for value in [q, k, v] {
      if let type = context.elementType(of: value, in: graph), type != .float {
        throw MatchFailure("expected float")
      }
    }
    var attributes = [Attribute("divides", scores.divides ? 1 : 0)]
    if !weights.guards.isEmpty { attributes.append(Attribute("guards", 1)) }
    if let permutation { attributes.append(Attribute("perm", permutation)) }
    var patch = GraphPatch(Self.name, of: graph)
    let node = Node(
      "FusedAttention", domain: loweredDomain, inputs: [q, k, v, scores.mask, scores.scale],
      outputs: [], attributes: attributes)
    patch.substitute(node, for: root, interior: interior + scores.nodes, in: graph)
    return patch
  }

  /// The softmax that `value` is, and the nodes that put zeros in the place of its NaNs.
  private func weights(
    _ value: ValueID?, _ graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> (softmax: NodeID, guards: [NodeID]) {
    if let softmax = graph.node(computing: value, "Softmax") {
      try expectReadOnce(value, graph)
      return (softmax, [])
    }
    guard let choice = graph.node(computing: value, "Where"),
      let test = graph.node(computing: graph[choice].input(0), "IsNaN"),
      let softmax = graph.node(computing: graph[choice].input(2), "Softmax"),
      graph[test].input(0) == graph[choice].input(2),
      context.scalar(graph[choice].input(1), in: graph) == 0
    else { throw MatchFailure("expected a softmax before the product") }
    try expectReadOnce(value, graph)
    try expectReadOnce(graph[choice].input(0), graph)
    guard let output = graph[softmax].outputs[0], graph[output].outputCount == 0,
      graph[output].users.count == 2
    else { throw MatchFailure("an intermediate result is read elsewhere") }
    return (softmax, [choice, test])
  }

  /// What a softmax is taken of: scale q k + mask.
  private struct Scores {
    var product: NodeID
    var scale: ValueID?
    var divides = false
    var mask: ValueID?
    /// The last one first.
    var nodes: [NodeID]
  }

  private func scores(
    _ value: ValueID, _ graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> Scores {
    try expectReadOnce(value, graph)
    if let sum = graph.node(computing: value, "Add") {
      for (operand, mask) in graph.operandOrders(of: sum) {
        guard var scores = scaled(operand, graph, context) else { continue }
        try expectReadOnce(operand, graph)
        scores.mask = mask
        scores.nodes.insert(sum, at: 0)
        return try check(scores, graph)
      }
    }
    guard let scores = scaled(value, graph, context) else {
      throw MatchFailure("expected a product, scaled by one element")
    }
    return try check(scores, graph)
  }

  private func check(_ scores: Scores, _ graph: Graph) throws(MatchFailure) -> Scores {
    try expectReadOnce(graph[scores.product].outputs[0], graph)
    return scores
  }

  private func scaled(
    _ value: ValueID, _ graph: Graph, _ context: RewriteContext
  ) -> Scores? {
    if let product = graph.node(computing: value, "MatMul") {
      return Scores(product: product, nodes: [product])
    }
    guard let scaling = graph.node(computing: value, "Mul", "Div") else { return nil }
    let divides = graph[scaling].is("Div")
    for (operand, scale) in graph.operandOrders(of: scaling).prefix(divides ? 1 : 2) {
      if let product = graph.node(computing: operand, "MatMul"),
        context.hasOneElement(scale, in: graph)
      {
        return Scores(
          product: product, scale: scale, divides: divides, nodes: [scaling, product])
      }
    }
    return nil
  }

  private func expectReadOnce(_ value: ValueID?, _ graph: Graph) throws(MatchFailure) {
    guard let value, graph.isReadOnce(value) else {
      throw MatchFailure("an intermediate result is read elsewhere")
    }
  }

  private func checkAxis(
    of softmax: NodeID, rank: Int?, _ graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) {
    let axis = graph[softmax].int("axis") ?? (context.opset < 13 ? 1 : -1)
    let rank = rank ?? graph[softmax].input(0).flatMap { context.types[$0]?.shape.count }
    guard axis == -1 || rank.map({ axis == $0 - 1 }) ?? false else {
      throw MatchFailure("expected a softmax along the last axis")
    }
  }
}

extension Node {
  /// The permutation of a Transpose that leaves the last axis last.
  fileprivate var suitablePermutation: [Int]? {
    guard self.is("Transpose"), let permutation = ints("perm"),
      permutation.last == permutation.count - 1
    else { return nil }
    return permutation
  }
}

extension RewriteContext {
  /// Whether the value is of one element whatever the inputs are: a constant, an extent, or arithmetic
  /// on such.
  fileprivate func hasOneElement(_ value: ValueID, in graph: Graph, depth: Int = 0) -> Bool {
    if let type = types[value] { return type.count == 1 }
    if let tensor = constant(value, in: graph) {
      return tensor.count == 1 && tensor.shape.count <= 1
    }
    guard depth < 12, let id = graph.producer(of: value) else { return false }
    if graph[id].is("Gather") {
      return graph.node(computing: graph[id].input(0), "Shape") != nil
        && graph[id].input(1).flatMap { constant($0, in: graph) }?.shape == []
    }
    guard graph.applies(id, "Cast", "Sqrt", "Reciprocal", "Pow", "Div", "Mul", "Add", "Sub") else {
      return false
    }
    return graph[id].inputs.allSatisfy { input in
      input.map { hasOneElement($0, in: graph, depth: depth + 1) } ?? false
    }
  }
}
