import GraphIR
import Tensors

/// Tensors of one type as one, along a new axis.
///
/// - Parameters:
///   - declared: what is known of the elements' type where there are none.
///   - axis: of the result.
/// - Throws: `OperatorError` where types differ, or the axis is none of the result's.
func stack(
  _ elements: [Tensor], declared: TensorType?, axis: Int, maximumBytes: Int
) throws(OperatorError) -> Tensor {
  guard let first = elements.first else { return try emptyStack(declared, axis: axis) }
  let axis = try normalizedAxis(axis, rank: first.shape.count + 1)
  for element in elements where ArrayType(element) != ArrayType(first) {
    throw OperatorError(
      .shapeMismatch,
      "expected elements of one type, got \(ArrayType(first)) and "
        + "\(ArrayType(element))")
  }
  var shape = first.shape
  shape.insert(1, at: axis)
  return try concatenate(
    elements.map { $0.reshaped(shape) }, axis: axis, maximumBytes: maximumBytes)
}

private func emptyStack(_ declared: TensorType?, axis: Int) throws(OperatorError) -> Tensor {
  guard let declared, let extents = declared.shape, declared.elementType.bitWidth != nil else {
    throw OperatorError(.invalidShape, "nothing tells the type of a stack of no elements")
  }
  var shape = extents.map { if case .size(let size) = $0 { size } else { 0 } }
  shape.insert(0, at: try normalizedAxis(axis, rank: shape.count + 1))
  do throws(TensorError) {
    return try Tensor(declared.elementType, shape: shape, region: ByteRegion(copying: []))
  } catch { throw OperatorError(.invalidShape, error.message) }
}

/// Tensors joined along an axis that they have.
///
/// - Throws: `OperatorError`, as `Concat`.
func concatenate(
  _ tensors: [Tensor], axis: Int, maximumBytes: Int
) throws(OperatorError) -> Tensor {
  let node = Node("Concat", inputs: [], outputs: [], attributes: [Attribute("axis", axis)])
  return try Concat(node, opset: 13).evaluate(tensors: tensors, maximumBytes: maximumBytes)[0]
}

/// Parts of one tensor at most. A tensor without elements may have any number of them.
private let largestPartCount = 1 << 20

/// - Throws: `OperatorError.tooLarge` where a tensor would be taken apart into too many.
func expectPartCount(_ count: Int) throws(OperatorError) {
  guard count <= largestPartCount else {
    throw OperatorError(.tooLarge, "expected at most \(largestPartCount) parts, got \(count)")
  }
}

/// The elements of a tensor along an axis, without it.
///
/// - Throws: `OperatorError` where there is no such axis, or elements cannot be told apart in memory.
func unstack(
  _ tensor: Tensor, axis: Int, maximumBytes: Int
) throws(OperatorError) -> [Tensor] {
  let axis = try normalizedAxis(axis, rank: tensor.shape.count)
  try expectMovable("taking apart", ArrayType(tensor))
  let tensor = try moveAxis(of: tensor, from: axis, to: 0, maximumBytes: maximumBytes)
  let shape = Array(tensor.shape.dropFirst())
  try expectPartCount(tensor.shape[0])
  return (0..<tensor.shape[0]).map { tensor.slice($0..<$0 + 1).reshaped(shape) }
}

/// The tensor with one of its axes at another place.
func moveAxis(
  of tensor: Tensor, from: Int, to: Int, maximumBytes: Int
) throws(OperatorError) -> Tensor {
  guard from != to else { return tensor }
  var order = Array(tensor.shape.indices)
  order.insert(order.remove(at: from), at: to)
  let node = Node("Transpose", inputs: [], outputs: [], attributes: [Attribute("perm", order)])
  return try Transpose(node, opset: 13).evaluate(tensors: [tensor], maximumBytes: maximumBytes)[0]
}
