package import GraphIR
package import Operators
package import Tensors

/// Finds the weights of a graph's residual streams that may be solved anew.
package struct HealingSiteSearch: Sendable {
  private let flow: Dataflow
  private let contents: @Sendable (ValueID) -> Tensor?

  /// Wider rows of patches are not solved for.
  package static let largestPatch = 2304

  /// - Parameters:
  ///   - graph: that in which streams were found.
  ///   - types: of its values at a batch of one.
  ///   - constants: values whose contents do not depend on any input.
  ///   - contents: of values that are the same whatever is fed, as far as they are known.
  package init(
    in graph: Graph, types: [ValueID: ArrayType], constants: Set<ValueID>,
    contents: @escaping @Sendable (ValueID) -> Tensor?
  ) {
    flow = Dataflow(graph, types: types, constants: constants)
    self.contents = contents
  }

  /// The site of the step from point `step` to the next.
  ///
  /// - Throws: `NoHealingSite`, whose reason names the node or value that stands in the way.
  package func site(
    of step: Int, in stream: ResidualStream
  ) throws(NoHealingSite) -> HealingSite {
    let sum = try sum(of: step, in: stream)
    var reason: NoHealingSite?
    for branch in sum.branches.reversed() {
      do throws(NoHealingSite) {
        var walk = BranchWalk(flow, contents, stream, sum.value)
        return try walk.site(of: branch.value, readBy: branch.reader)
      } catch { reason = reason ?? error }
    }
    throw reason ?? NoHealingSite("the sum has no branch")
  }

  /// The widest rows that some site of a stream is solved from; 0 where it has none.
  package func widestInput(of stream: ResidualStream) -> Int {
    stream.steps.indices.reduce(0) { widest, step in
      guard let site = try? site(of: step, in: stream) else { return widest }
      return max(widest, site.inputWidth)
    }
  }

  /// The site of the step before a span, where solving it toward the span's end changes nothing else.
  ///
  /// - Throws: `NoHealingSite`.
  package func site(folding span: CandidateSpan, in stream: ResidualStream)
    throws(NoHealingSite) -> HealingSite
  {
    guard span.from > 0 else { throw NoHealingSite("no step lies before it") }
    let site = try site(of: span.from - 1, in: stream)
    let (from, to) = (stream.points[span.from], stream.points[span.to])
    let name = flow.graph[from].name.shown
    guard site.sum == from else {
      throw NoHealingSite("'\(name)' is a normalised sum")
    }
    let inside = Set(
      Removal(replacing: [(from: from, to: to)], in: flow.graph, multiplyAdds: { _ in 0 }).nodes)
    guard flow.graph[from].outputCount == 0, flow.graph[from].users.allSatisfy(inside.contains)
    else { throw NoHealingSite("'\(name)' is read behind the span too") }
    return site
  }

  private struct Sum {
    let value: ValueID
    /// Terms that are neither the skip nor constant, and the additions that read them.
    var branches: [(value: ValueID, reader: NodeID)]
  }

  private func sum(of step: Int, in stream: ResidualStream) throws(NoHealingSite) -> Sum {
    let (skip, point) = (stream.points[step], stream.points[step + 1])
    for id in flow.nodes(between: skip, and: point).reversed() {
      let node = flow.graph[id]
      guard node.is("Add") || node.is("Sum"), let value = node.outputs.first ?? nil,
        flow.types[value]?.shape == flow.types[point]?.shape
      else { continue }
      let terms = self.terms(of: id)
      guard terms.contains(where: { flow.root(of: $0.value) == skip }) else { continue }
      guard value == point || flow.exits(of: value).contains(where: { flow.root(of: $0) == point })
      else { continue }
      return Sum(
        value: value,
        branches: terms.filter { flow.root(of: $0.value) != skip && contents($0.value) == nil })
    }
    throw NoHealingSite("'\(flow.graph[point].name.shown)' is no sum of its skip and a branch")
  }

  /// The terms of a sum, those of sums that only it reads among them.
  private func terms(of id: NodeID) -> [(value: ValueID, reader: NodeID)] {
    flow.graph[id].inputs.compactMap(\.self).flatMap { input in
      guard let inner = flow.graph.producer(of: input),
        flow.graph[inner].is("Add") || flow.graph[inner].is("Sum"),
        flow.graph.onlyUser(of: input) == id,
        flow.graph[inner].inputs.allSatisfy({ $0.map { contents($0) == nil } ?? false })
      else { return [(input, id)] }
      return terms(of: inner)
    }
  }
}
