package import GraphIR
package import Operators

/// The residual streams of a graph, and the additions that looked residual and are not.
package struct StreamFinding: Sendable {
  /// An addition that no stream uses.
  package struct Rejection: Sendable {
    package let node: NodeID
    package let reason: String
  }

  /// By position in the graph.
  package let streams: [ResidualStream]
  package let rejected: [Rejection]

  /// Finds residual streams in the dataflow: an `Add` is residual if one of its operands, the skip,
  /// reaches another, the branch, and has the shape of the sum. Adds whose skip is the point behind
  /// the previous one form a stream.
  ///
  /// The point behind an `Add` is its sum, or the output of the normalisation or activation that all
  /// uses of the sum go through, where that is what the stream goes on from.
  ///
  /// - Parameters:
  ///   - graph: has its nodes in topological order.
  ///   - types: of the values at a batch of one, as far as they are known.
  ///   - constants: values whose contents do not depend on any input.
  ///   - multiplyAdds: what a node's evaluation takes.
  package init(
    in graph: Graph, types: [ValueID: ArrayType], constants: Set<ValueID>,
    multiplyAdds: (NodeID) -> Int
  ) {
    let flow = Dataflow(graph, types: types, constants: constants)
    var search = StreamSearch(flow)
    search.classify()
    let chains = search.chains()
    streams = chains.map { points in
      var stream = Self.stream(points, flow, multiplyAdds)
      stream.mask = flow.paddingMask(of: stream)
      return stream
    }
    rejected = search.rejected
      .sorted { flow.position(of: $0.key) < flow.position(of: $1.key) }
      .map { Rejection(node: $0.key, reason: $0.value) }
  }

  private static func stream(
    _ points: [ValueID], _ flow: Dataflow, _ multiplyAdds: (NodeID) -> Int
  ) -> ResidualStream {
    let pairs = zip(points, points.dropFirst())
    let branches = pairs.map { flow.nodes(between: $0, and: $1) }
    let layout: ResidualStream.Layout =
      zip(points, branches).contains { flow.isConvolved($0, in: $1) } ? .channels : .lastAxis
    let steps = zip(pairs, branches).map { pair, nodes in
      ResidualStream.Step(
        kind: flow.kind(of: nodes, layout),
        removal: Removal(
          replacing: [(from: pair.0, to: pair.1)], in: flow.graph, multiplyAdds: multiplyAdds))
    }
    return ResidualStream(
      points: points, steps: steps, type: flow.types[points[0]]!, layout: layout)
  }
}

extension Dataflow {
  /// Whether one of `nodes` takes `value`, seen through elementwise nodes, as an image: a convolution,
  /// or a normalisation of channels.
  fileprivate func isConvolved(_ value: ValueID, in nodes: [NodeID]) -> Bool {
    guard let rank = types[value]?.shape.count, rank >= 3 else { return false }
    var reached: Set<ValueID> = [value]
    for id in nodes where reads(id).contains(where: reached.contains) {
      let node = graph[id]
      if node.isConvolution || node.is("BatchNormalization") {
        return node.inputs.first.map { $0.map(reached.contains) ?? false } ?? false
      }
      guard node.isPointwiseOrReduction else { continue }
      reached.formUnion(node.outputs.compactMap(\.self))
    }
    return false
  }

  /// What the nodes of a branch do together.
  fileprivate func kind(
    of nodes: [NodeID], _ layout: ResidualStream.Layout
  ) -> ResidualStream.Step.Kind {
    let convolves = nodes.contains { graph[$0].isConvolution }
    if nodes.contains(where: { graph[$0].isFusedAttention }) || hasAttention(nodes) {
      return .attention
    }
    if convolves, layout == .channels { return .convolution }
    if nodes.contains(where: { graph[$0].isMatrixProduct }) { return .mlp }
    return convolves ? .convolution : .other
  }

  /// Whether a softmax stands between two matrix products.
  private func hasAttention(_ nodes: [NodeID]) -> Bool {
    var stages: [ValueID: Int] = [:]
    for id in nodes {
      let node = graph[id]
      var stage = reads(id).map { stages[$0] ?? 0 }.max() ?? 0
      if stage != 1, node.isMatrixProduct { stage += 1 }
      if stage == 1, node.is("Softmax") { stage = 2 }
      if stage >= 3 { return true }
      for case let output? in node.outputs { stages[output] = stage }
    }
    return false
  }
}
