package import GraphIR
package import Tensors

/// Y = the elements of X, or its slices along an axis, without repetitions; where in X each stands first;
/// which of Y each of X is; and how often each occurs.
///
/// Attributes: `axis`; X as a list of elements where absent. `sorted` (1): in ascending order, slices
/// by their first elements that differ, or else in the order of first occurrence.
/// Shapes: X [before, axis, behind]; Y [before, n, behind]; indices, counts [n]; inverse_indices [axis].
/// Types: all numbers, and truth values.
/// Precision: exact; NaN counts as greatest and as equal to NaN; -0 equals 0.
/// Source: ONNX Unique-11, 28.
package struct Unique: DataDependentOperator {
  let axis: Int?
  let sorts: Bool
  let outputCount: Int

  package static let signature = OperatorSignature(
    "Unique", since: 11, inputs: 1...1, outputs: 1...4)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = node[attribute: "axis"] == nil ? nil : try node.integer("axis")
    sorts = try node.flag("sorted", default: true)
    outputCount = node.outputs.count
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(
      "Unique", supports: type.elementType, type.elementType.isNumeric || type.elementType == .bool)
    if let axis { _ = try normalizedAxis(axis, rank: type.shape.count) }
    return .dependsOnContents
  }

  /// Y, three lists of places, and the slices packed one behind the other.
  package func largestByteCount(_ inputs: [ArrayType?]) -> Int {
    let type = inputs[0]!
    let extent =
      axis.flatMap { try? normalizedAxis($0, rank: type.shape.count) }
      .map { type.shape[$0] } ?? type.count
    return saturatingSum(
      saturatingProduct([type.byteCount, 2]),
      saturatingProduct([extent, 6, MemoryLayout<Int64>.stride]))
  }

  package func evaluate(_ inputs: [Tensor?]) throws(OperatorError) -> [Tensor] {
    let x = inputs[0]!
    _ = try infer([Operand(x)])
    let shape = axis == nil ? [x.count] : x.shape
    let axis = try normalizedAxis(self.axis ?? 0, rank: shape.count)
    let groups = try groups(x, shape, axis)
    var results = [try gather(x, shape, axis, groups.firsts)]
    results.append(Tensor(groups.firsts.map { Int64($0) }))
    results.append(Tensor(groups.members.map { Int64($0) }))
    results.append(Tensor(groups.counts.map { Int64($0) }))
    return Array(results.prefix(outputCount))
  }

  /// Slices that are equal, taken together.
  private struct Groups {
    /// The first slice of each group.
    var firsts: [Int] = []
    /// The group of each slice.
    var members: [Int]
    var counts: [Int] = []
  }

  private func groups(_ x: Tensor, _ shape: [Int], _ axis: Int) throws(OperatorError) -> Groups {
    var result = Groups(members: [])
    try computingInFloat([TensorView(x)], []) { (inputs, _) throws(OperatorError) in
      let x = inputs[0]!
      switch x.elementType {
      case .float: result = groups(Float.self, x, shape, axis)
      case .int64: result = groups(Int64.self, x, shape, axis)
      default: result = groups(x.elementType.numeric, x, shape, axis)
      }
    }
    withExtendedLifetime(x) {}
    return result
  }

  private func groups<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ shape: [Int], _ axis: Int
  ) -> Groups {
    let (extent, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
    let start = x.start(as: Element.self)
    let length = x.count > 0 ? x.count / extent : 0
    /// Below zero where slice a stands before slice b.
    func compare(_ a: Int, _ b: Int) -> Int {
      for index in 0..<length {
        let base = index / inner * extent * inner + index % inner
        let (p, q) = (start[base + a * inner], start[base + b * inner])
        if p.isNotANumber || q.isNotANumber {
          if p.isNotANumber != q.isNotANumber { return p.isNotANumber ? 1 : -1 }
        } else if p != q {
          return p < q ? -1 : 1
        }
      }
      return 0
    }
    let order = (0..<extent).sorted { a, b in
      let difference = compare(a, b)
      return difference == 0 ? a < b : difference < 0
    }
    var groups = Groups(members: [Int](repeating: 0, count: extent))
    for slice in order {
      if let first = groups.firsts.last, compare(first, slice) == 0 {
        groups.counts[groups.counts.count - 1] += 1
      } else {
        groups.firsts.append(slice)
        groups.counts.append(1)
      }
      groups.members[slice] = groups.firsts.count - 1
    }
    if sorts { return groups }
    let byOccurrence = groups.firsts.indices.sorted { groups.firsts[$0] < groups.firsts[$1] }
    var rank = [Int](repeating: 0, count: byOccurrence.count)
    for (place, group) in byOccurrence.enumerated() { rank[group] = place }
    return Groups(
      firsts: byOccurrence.map { groups.firsts[$0] }, members: groups.members.map { rank[$0] },
      counts: byOccurrence.map { groups.counts[$0] })
  }

  /// The slices of `x`, seen under a shape, that `places` name.
  private func gather(
    _ x: Tensor, _ shape: [Int], _ axis: Int, _ places: [Int]
  ) throws(OperatorError) -> Tensor {
    let row = shape[(axis + 1)...].reduce(1, *) * x.elementType.movableByteCount!
    var bytes: [UInt8] = []
    for outer in 0..<(x.byteCount > 0 ? shape[..<axis].reduce(1, *) : 0) {
      for place in places {
        let start = (outer * shape[axis] + place) * row
        bytes += x.region.bytes[start..<(start + row)]
      }
    }
    var target = shape
    target[axis] = places.count
    do throws(TensorError) {
      return try Tensor(x.elementType, shape: target, region: ByteRegion(copying: bytes))
    } catch { throw OperatorError(.invalidShape, error.message) }
  }
}
