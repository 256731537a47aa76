import GraphIR
import Operators
import Tensors

/// Tells residual additions from others and links them.
struct StreamSearch {
  /// An addition whose sum is its skip plus a branch.
  private struct Residual {
    let node: NodeID
    let sum: ValueID
    let skip: ValueID
  }

  private let flow: Dataflow
  private var residuals: [Residual] = []
  private(set) var rejected: [NodeID: String] = [:]

  init(_ flow: Dataflow) { self.flow = flow }

  /// Sorts every addition of values that are not constant into residual ones and rejected ones.
  mutating func classify() {
    let absorbed = Set(flow.graph.nodes.flatMap { isSum($0.node) ? innerSums($0.id) : [] })
    for (id, node) in flow.graph.nodes where isSum(node) && !absorbed.contains(id) {
      guard let sum = node.outputs.first ?? nil, !flow.isConstant(sum),
        let type = flow.types[sum], type.elementType.isFloatingPoint
      else { continue }
      let terms = self.terms(id)
      let data = terms.filter { !flow.isConstant($0) }
      if flow.feedsSoftmax(sum), data.count > 1 || looksResidual(terms, type) {
        rejected[id] = "adds to the scores of a softmax: a mask or position bias"
      } else if data.count < 2 {
        if looksResidual(terms, type) { rejected[id] = "one operand is constant" }
      } else {
        classify(id, sum, type, data)
      }
    }
  }

  private mutating func classify(
    _ id: NodeID, _ sum: ValueID, _ type: ArrayType, _ terms: [ValueID]
  ) {
    let whole = terms.filter { flow.types[$0]?.shape == type.shape }
    guard whole.count >= 2 else {
      if type.count > 1, type.shape.count > 1 {
        rejected[id] = "operands differ in shape from their sum \(type.shape)"
      }
      return
    }
    for term in whole {
      let skip = flow.root(of: term)
      guard !flow.isConstant(skip), flow.types[skip] == type else { continue }
      let branches = whole.filter { $0 != term }.map { flow.nodes(between: skip, and: $0) }
        .filter { !$0.isEmpty }
      if branches.isEmpty { continue }
      guard branches.joined().contains(where: { !flow.graph[$0].isPointwiseOrReduction }) else {
        rejected[id] = "the branch is elementwise: part of an activation"
        return
      }
      residuals.append(Residual(node: id, sum: sum, skip: skip))
      return
    }
    rejected[id] = "no operand depends on another: a sum of parallel branches or a projection"
  }

  /// Links residual additions into chains of points, by position of their first point.
  mutating func chains() -> [[ValueID]] {
    let skips = Set(residuals.map(\.skip))
    let exits = exitsOfSums()
    var nextPoint: [ValueID: ValueID] = [:]
    var order: [ValueID] = []
    for residual in residuals {
      let point = self.point(behind: residual, skips, exits)
      guard flow.types[point] == flow.types[residual.skip] else {
        rejected[residual.node] = "the stream's type changes behind the sum"
        continue
      }
      if let taken = nextPoint[residual.skip] {
        rejected[residual.node] =
          "its skip '\(flow.graph[residual.skip].name)' passes over a residual step to "
          + "'\(flow.graph[taken].name)'"
        continue
      }
      nextPoint[residual.skip] = point
      order.append(residual.skip)
    }
    let continued = Set(nextPoint.values)
    return order.filter { !continued.contains($0) }.map { first in
      var points = [first]
      while let next = nextPoint[points[points.count - 1]] { points.append(next) }
      return points
    }
  }

  /// The value that the stream goes on from behind an addition.
  private func point(
    behind residual: Residual, _ skips: Set<ValueID>, _ exits: Set<ValueID>
  ) -> ValueID {
    if skips.contains(residual.sum) { return residual.sum }
    let candidates = flow.exits(of: residual.sum).map { flow.root(of: $0) }
      .filter { flow.types[$0] == flow.types[residual.skip] }
    if let next = candidates.last(where: skips.contains) { return next }
    // The last step of a stream goes as far as those before it.
    guard exits.contains(residual.skip), let last = candidates.last else { return residual.sum }
    let operation = flow.operatorType(producing: residual.skip)
    return candidates.last { flow.operatorType(producing: $0) == operation } ?? last
  }

  /// What follows the sums of the graph through a normalisation or activation.
  private func exitsOfSums() -> Set<ValueID> {
    var result = Set<ValueID>()
    for (_, node) in flow.graph.nodes where isSum(node) {
      guard let sum = node.outputs.first ?? nil, !flow.isConstant(sum) else { continue }
      result.formUnion(flow.exits(of: sum).map { flow.root(of: $0) })
    }
    return result
  }

  // MARK: Sums

  private func isSum(_ node: Node) -> Bool { node.is("Add") || node.is("Sum") }

  /// Additions whose results only the addition `id` reads: they are terms of one longer sum.
  private func innerSums(_ id: NodeID) -> [NodeID] {
    flow.graph[id].inputs.compactMap { input in
      guard let input, let inner = flow.graph.producer(of: input), isSum(flow.graph[inner]),
        flow.graph.onlyUser(of: input) == id
      else { return nil }
      return inner
    }
  }

  /// The terms of a sum, those of inner sums among them.
  private func terms(_ id: NodeID) -> [ValueID] {
    let inner = Set(innerSums(id))
    return flow.graph[id].inputs.compactMap(\.self).flatMap { input in
      flow.graph.producer(of: input).map { inner.contains($0) ? terms($0) : [input] } ?? [input]
    }
  }

  /// Whether two of the terms have the sum's whole extent: a bias vector has not.
  private func looksResidual(_ terms: [ValueID], _ type: ArrayType) -> Bool {
    let extent = Array(type.shape.drop { $0 == 1 })
    return extent.count > 1
      && terms.count { flow.types[$0].map { Array($0.shape.drop { $0 == 1 }) } == extent } > 1
  }
}
