package import GraphIR
import Tensors

/// Y = elements of X whose place along an axis the indices name.
///
/// Attributes: `axis` (0).
/// Shapes: X [rank r]; indices, Y [rank r, no longer than X beside the axis].
/// Throws: `OperatorError.invalidValue` where an index is outside the axis.
package struct GatherElements: MovementOperator {
  let axis: Int

  package static let signature = OperatorSignature("GatherElements", since: 11, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 0)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, indices) = (inputs[0]!.type, inputs[1]!.type)
    try expectMovable(type)
    try expectIndices(indices)
    try expectIndexShape(indices.shape, within: type.shape, axis: axis)
    return .types([try ArrayType(type.elementType, indices.shape).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let size = y.elementType.movableByteCount!
    let places = try elementPlaces(inputs[1]!, in: x.shape, axis: axis)
    for (index, place) in places.enumerated() {
      (y.buffer + index * size).copyMemory(from: x.bytePointer + place * size, byteCount: size)
    }
  }
}

/// Y = slices of X at the places that the last axis of the indices spells out.
///
/// Attributes: `batch_dims` (0) from 12 on: leading axes that X and the indices share.
/// Shapes: X [batch, rest]; indices [batch, any, n]; Y [batch, any, rest without n axes].
/// Throws: `OperatorError.invalidValue` where an index is outside its axis.
package struct GatherND: MovementOperator {
  let batchRank: Int

  package static let signature = OperatorSignature("GatherND", since: 11, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    batchRank = try node.integer("batch_dims", default: 0)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, indices) = (inputs[0]!.type, inputs[1]!.type)
    try expectMovable(type)
    try expectIndices(indices)
    guard batchRank >= 0, batchRank < min(type.shape.count, indices.shape.count),
      type.shape[..<batchRank] == indices.shape[..<batchRank],
      indices.shape.last! <= type.shape.count - batchRank
    else {
      throw OperatorError(
        .shapeMismatch, "indices of \(indices.shape) do not fit \(type.shape)")
    }
    let rest = type.shape[(batchRank + indices.shape.last!)...]
    return .types([
      try ArrayType(type.elementType, Array(indices.shape.dropLast() + rest)).checked()
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, indices, y) = (inputs[0]!, inputs[1]!, outputs[0])
    let depth = indices.shape.last!
    guard y.count > 0 else { return }
    let places = try slicePlaces(indices, in: x.shape, batchRank: batchRank)
    let row =
      x.shape[(batchRank + depth)...].reduce(1, *) * y.elementType.movableByteCount!
    for (index, place) in places.enumerated() where row > 0 {
      (y.buffer + index * row).copyMemory(from: x.bytePointer + place * row, byteCount: row)
    }
  }
}

/// Y = X with elements replaced by, or combined with, updates at places along an axis.
///
/// Attributes: `axis` (0); `reduction` ("none", from 16 on "add", "mul", from 18 on "max", "min").
/// Shapes: X, Y [rank r]; indices, updates [rank r, no longer than X beside the axis].
/// Throws: `OperatorError.invalidValue` where an index is outside the axis.
package struct ScatterElements: Operator {
  let axis: Int
  let reduction: ScatterReduction

  package static let signature = OperatorSignature("ScatterElements", since: 11, inputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 0)
    reduction = try ScatterReduction(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, indices, updates) = (inputs[0]!.type, inputs[1]!.type, inputs[2]!.type)
    try reduction.expect("ScatterElements", type)
    try expectSameType(type, updates)
    try expectIndices(indices)
    guard updates.shape == indices.shape else {
      throw OperatorError(
        .shapeMismatch, "updates: expected \(indices.shape), got \(updates.shape)")
    }
    try expectIndexShape(indices.shape, within: type.shape, axis: axis)
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let places = try elementPlaces(inputs[1]!, in: inputs[0]!.shape, axis: axis)
    try reduction.scatter(inputs[2]!, over: inputs[0]!, at: places, row: 1, into: outputs[0])
  }
}

/// Y = X with slices replaced by, or combined with, updates at the places that the last axis of the
/// indices spells out.
///
/// Attributes: `reduction` ("none", from 16 on "add", "mul", from 18 on "max", "min").
/// Shapes: X, Y [rank r]; indices [any, n]; updates [any, X without its first n axes].
/// Throws: `OperatorError.invalidValue` where an index is outside its axis.
package struct ScatterND: Operator {
  let reduction: ScatterReduction

  package static let signature = OperatorSignature("ScatterND", since: 11, inputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    reduction = try ScatterReduction(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, indices, updates) = (inputs[0]!.type, inputs[1]!.type, inputs[2]!.type)
    try reduction.expect("ScatterND", type)
    try expectSameType(type, updates)
    try expectIndices(indices)
    guard let depth = indices.shape.last, depth <= type.shape.count,
      updates.shape == Array(indices.shape.dropLast() + type.shape[depth...])
    else {
      throw OperatorError(
        .shapeMismatch,
        "indices of \(indices.shape) and updates of \(updates.shape) do not fit \(type.shape)")
    }
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, indices) = (inputs[0]!, inputs[1]!)
    guard inputs[2]!.count > 0 else { return x.copy(into: outputs[0]) }
    let places = try slicePlaces(indices, in: x.shape, batchRank: 0)
    let row = x.shape[indices.shape.last!...].reduce(1, *)
    try reduction.scatter(inputs[2]!, over: x, at: places, row: row, into: outputs[0])
  }
}

/// What becomes of an element that an update meets.
enum ScatterReduction: String, Sendable {
  case none, add, mul, max, min

  init(_ node: Node) throws(OperatorError) {
    let name = try node.text("reduction", default: "none")
    guard let reduction = ScatterReduction(rawValue: name) else {
      throw OperatorError(.invalidAttribute, "reduction '\(name)' is unknown")
    }
    self = reduction
  }

  func expect(_ operatorName: String, _ type: ArrayType) throws(OperatorError) {
    if self == .none { return try expectMovable(operatorName, type) }
    try Operators.expect(
      operatorName, supports: type.elementType, type.elementType.isNumeric)
  }

  /// Copies `x` and lets rows of updates meet the rows that `places` name, in order.
  func scatter(
    _ updates: TensorView, over x: TensorView, at places: [Int], row: Int,
    into y: MutableTensorView
  ) throws(OperatorError) {
    if self == .none {
      x.copy(into: y)
      let size = row * y.elementType.movableByteCount!
      for (index, place) in places.enumerated() where size > 0 {
        (y.buffer + place * size).copyMemory(
          from: updates.bytePointer + index * size, byteCount: size)
      }
      return
    }
    try computingInFloat([updates, x], [y]) { (inputs, outputs) throws(OperatorError) in
      inputs[1]!.copy(into: outputs[0])
      let (updates, y) = (inputs[0]!, outputs[0])
      switch y.elementType {
      case .float: combine(Float.self, updates, at: places, row: row, into: y)
      default: combine(y.elementType.numeric, updates, at: places, row: row, into: y)
      }
    }
  }

  private func combine<Element: NumericElement>(
    _ type: Element.Type, _ updates: TensorView, at places: [Int], row: Int,
    into y: MutableTensorView
  ) {
    let step: (Element, Element) -> Element =
      switch self {
      case .none: { $1 }
      case .add: Element.sum
      case .mul: Element.product
      case .max: Element.maximum
      case .min: Element.minimum
      }
    let (source, target) = (updates.start(as: Element.self), y.start(as: Element.self))
    for (index, place) in places.enumerated() {
      for i in 0..<row {
        target[place * row + i] = step(target[place * row + i], source[index * row + i])
      }
    }
  }
}

/// - Throws: `OperatorError.shapeMismatch` unless indices of that shape fit a tensor beside the axis.
private func expectIndexShape(
  _ indices: [Int], within shape: [Int], axis: Int
) throws(OperatorError) {
  let axis = try normalizedAxis(axis, rank: shape.count)
  guard indices.count == shape.count,
    shape.indices.allSatisfy({ $0 == axis || indices[$0] <= shape[$0] })
  else {
    throw OperatorError(.shapeMismatch, "indices of \(indices) do not fit \(shape)")
  }
}

/// For each index its element in a packed tensor of `shape`: its own place, but for the axis.
private func elementPlaces(
  _ indices: TensorView, in shape: [Int], axis: Int
) throws(OperatorError) -> [Int] {
  let axis = try normalizedAxis(axis, rank: shape.count)
  let strides = Layout.packedStrides(of: shape)
  var place = [Int](repeating: 0, count: shape.count)
  var places: [Int] = []
  places.reserveCapacity(indices.count)
  for index in indices.integers {
    var offset = try normalizedIndex(index, extent: shape[axis]) * strides[axis]
    for other in place.indices where other != axis { offset += place[other] * strides[other] }
    places.append(offset)
    advance(&place, in: indices.shape)
  }
  return places
}

/// For each tuple of indices its slice in a packed tensor, counted in slices. There must be slices of
/// at least one element for as many tuples as the shape says.
private func slicePlaces(
  _ indices: TensorView, in shape: [Int], batchRank: Int
) throws(OperatorError) -> [Int] {
  let depth = indices.shape.last!
  let tuples = indices.shape.dropLast().reduce(1, *)
  let batches = indices.shape[..<batchRank].reduce(1, *)
  let numbers = indices.integers
  var places: [Int] = []
  places.reserveCapacity(tuples)
  for tuple in 0..<tuples {
    var place = tuple / (tuples / batches)
    for axis in 0..<depth {
      let extent = shape[batchRank + axis]
      place = place * extent + (try normalizedIndex(numbers[tuple * depth + axis], extent: extent))
    }
    places.append(place)
  }
  return places
}
