package import GraphIR
import Kernels
import Tensors

/// Y = the slices of X along an axis that the indices name.
///
/// Attributes: `axis` (0).
/// Shapes: X [before, axis, behind]; indices [any]; Y [before, indices, behind].
/// Throws: `OperatorError.invalidValue` where an index is outside the axis, negative ones counting from
/// the end.
package struct Gather: ViewOperator {
  package let axis: Int

  package static let signature = OperatorSignature("Gather", inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 0)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, indices) = (inputs[0]!.type, inputs[1]!.type)
    try expectMovable(type)
    try expectIndices(indices)
    let axis = try normalizedAxis(axis, rank: type.shape.count)
    let shape = type.shape[..<axis] + indices.shape + type.shape[(axis + 1)...]
    return .types([try ArrayType(type.elementType, Array(shape)).checked()])
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard let indices = operands[1]?.value, indices.shape.isEmpty,
      let index = indices.integers?.first,
      let axis = try? normalizedAxis(axis, rank: input.shape.count),
      let place = try? normalizedIndex(index, extent: input.shape[axis])
    else { return nil }
    var view = input
    view.offset += place * input.strides[axis]
    view.shape.remove(at: axis)
    view.strides.remove(at: axis)
    return [view]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let axis = try normalizedAxis(axis, rank: x.shape.count)
    var places: [Int] = []
    for index in inputs[1]!.integers {
      places.append(try normalizedIndex(index, extent: x.shape[axis]))
    }
    guard y.count > 0 else { return }
    let size = y.elementType.movableByteCount!
    let row = x.shape[(axis + 1)...].reduce(1, *) * size
    var target = y.buffer
    for outer in 0..<x.shape[..<axis].reduce(1, *) {
      let source = x.bytePointer + outer * x.shape[axis] * row
      for place in places {
        target.copyMemory(from: source + place * row, byteCount: row)
        target += row
      }
    }
  }
}

/// - Throws: `OperatorError.typeMismatch` unless the type is one that indices have.
func expectIndices(_ type: ArrayType) throws(OperatorError) {
  guard type.elementType == .int64 || type.elementType == .int32 else {
    throw OperatorError(.typeMismatch, "indices: expected int64 or int32, got \(type.elementType)")
  }
}

/// The place that `index` names along an axis, negative ones counting from the end.
///
/// - Throws: `OperatorError.invalidValue` where there is none.
func normalizedIndex(_ index: Int, extent: Int) throws(OperatorError) -> Int {
  guard index >= -extent, index < extent else {
    throw OperatorError(.invalidValue, "index \(index) is out of range for an axis of \(extent)")
  }
  return index < 0 ? index + extent : index
}
