package import GraphIR
package import Tensors

/// Y = the tensor that the node carries.
///
/// Attributes: one of `value`, `value_float`, `value_floats`, `value_int`, `value_ints`; sparse tensors
/// and strings are not supported.
package struct Constant: Operator {
  package let value: Tensor

  package static let signature = OperatorSignature("Constant", inputs: 0...0)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let values = node.attributes.filter { $0.name == "value" || $0.name.contains("value_") }
    guard values.count == 1, let attribute = values.first else {
      throw OperatorError(.invalidAttribute, "expected one value, got \(values.count)")
    }
    switch (attribute.name, attribute.value) {
    case ("value", .tensor(let stored)): value = stored.tensor
    case ("value_float", .float(let number)): value = Tensor([number], shape: [])
    case ("value_floats", .floats(let numbers)): value = Tensor(numbers)
    case ("value_int", .int(let number)): value = Tensor([number], shape: [])
    case ("value_ints", .ints(let numbers)): value = Tensor(numbers)
    case ("value_string", _), ("value_strings", _), ("sparse_value", _):
      throw OperatorError(.unsupported, "attribute '\(attribute.name)' is not supported")
    default:
      throw OperatorError(
        .invalidAttribute, "attribute '\(attribute.name)' is of the wrong kind")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = ArrayType(value)
    try expect("Constant", supports: type.elementType, type.elementType.bitWidth != nil)
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    value.region.bytes.withMemoryRebound(to: UInt8.self) { bytes in
      guard let start = bytes.baseAddress else { return }
      outputs[0].buffer.copyMemory(from: start, byteCount: bytes.count)
    }
  }
}

/// Y = one element, repeated to a given shape.
///
/// Attributes: `value`, a tensor of one element (`float` 0).
/// Shapes: input [rank], the shape of Y.
package struct ConstantOfShape: Operator {
  let value: Tensor

  package static let signature = OperatorSignature("ConstantOfShape", since: 9, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    value = try node.tensor("value") ?? Tensor([0 as Float])
    guard value.count == 1 else {
      throw OperatorError(.invalidAttribute, "value: expected one element, got \(value.count)")
    }
    try expectMovable("ConstantOfShape", ArrayType(value))
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    guard let shape = try inputs[0]!.integers("shape") else { return .dependsOnContents }
    return .types([try ArrayType(value.elementType, shape).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let element = TensorView(value)
    let shape = outputs[0].shape
    TensorView(
      value.elementType,
      Layout(shape: shape, strides: [Int](repeating: 0, count: shape.count)), in: element.buffer
    ).copy(into: outputs[0])
  }
}
