import GraphIR
import Kernels
import Tensors

extension ViewOperator {
  /// Copies the elements that each view shows, which the operator's `views` must not refuse.
  func copyViews(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView]
  ) throws(OperatorError) {
    let input = inputs[0]!
    let operands = inputs.map { $0.map { Operand($0.type, value: $0.smallContents) } }
    guard let layouts = views(of: input.layout, operands) else {
      throw OperatorError(.unsupported, "\(Self.signature.name) of \(input.type) has no view")
    }
    for (layout, output) in zip(layouts, outputs) {
      TensorView(input.elementType, layout, in: input.buffer).copy(into: output)
    }
  }
}

extension TensorView {
  /// Copies the elements, packed, into an output of the same shape.
  func copy(into output: MutableTensorView) {
    guard count > 0 else { return }
    if layout.isContiguous, let size = elementType.byteCount(elements: count) {
      if bytePointer != UnsafeRawPointer(output.buffer) {
        output.buffer.copyMemory(from: bytePointer, byteCount: size)
      }
      return
    }
    StridedCopy.copy(
      bytePointer, strides: strides, into: output.buffer, shape: shape,
      elementSize: elementType.movableByteCount!)
  }

  /// The contents of a packed list of integers, such as a shape or axes; `nil` for any other tensor.
  var smallContents: Tensor? {
    guard elementType == .int64 || elementType == .int32, shape.count <= 1, layout.isContiguous
    else { return nil }
    return elementType == .int64
      ? Tensor(Array(elements(of: Int64.self)), shape: shape)
      : Tensor(Array(elements(of: Int32.self)), shape: shape)
  }
}

/// - Throws: `OperatorError.unsupported` unless elements of the type can be moved one by one.
func expectMovable(_ operatorName: String, _ type: ArrayType) throws(OperatorError) {
  try expect(operatorName, supports: type.elementType, type.elementType.movableByteCount != nil)
}

extension MovementOperator {
  /// - Throws: `OperatorError.unsupported` unless elements of the type can be moved one by one, packed
  ///   ones once they are spread to bytes.
  func expectMovable(_ type: ArrayType) throws(OperatorError) {
    guard !type.elementType.isPacked else { return }
    try Operators.expectMovable(Self.signature.name, type)
  }
}
