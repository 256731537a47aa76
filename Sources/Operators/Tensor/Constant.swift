package import GraphIR
package import Tensors

/// Y = the tensor that the node carries.
///
/// Attributes: one of `value`, `value_float`, `value_floats`, `value_int`, `value_ints`, `sparse_value`;
/// strings are not supported.
/// Source: ONNX Constant-1, 9, 11, 12, 13, 19, 21, 23, 24, 25.
package struct Constant: Operator {
  private enum Contents {
    case dense(Tensor)
    /// Elements at places in row-major order, zero elsewhere.
    case sparse(Tensor, places: [Int], shape: [Int])
  }

  private let contents: Contents

  /// The tensor, unless it is sparse.
  package var value: Tensor? {
    if case .dense(let value) = contents { value } else { nil }
  }

  package static let signature = OperatorSignature("Constant", inputs: 0...0)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let values = node.attributes.filter {
      $0.name == "value" || $0.name == "sparse_value" || $0.name.hasPrefix("value_")
    }
    guard values.count == 1, let attribute = values.first else {
      throw OperatorError(.invalidAttribute, "expected one value, got \(values.count)")
    }
    switch (attribute.name, attribute.value) {
    case ("value", .tensor(let stored)): contents = .dense(stored.tensor)
    case ("value_float", .float(let number)): contents = .dense(Tensor([number], shape: []))
    case ("value_floats", .floats(let numbers)): contents = .dense(Tensor(numbers))
    case ("value_int", .int(let number)): contents = .dense(Tensor([number], shape: []))
    case ("value_ints", .ints(let numbers)): contents = .dense(Tensor(numbers))
    case ("sparse_value", .sparseTensor(let sparse)):
      contents = .sparse(
        sparse.values.tensor, places: try Self.places(sparse), shape: sparse.shape)
    case ("value_string", _), ("value_strings", _):
      throw OperatorError(.unsupported, "attribute '\(attribute.name)' is not supported")
    default:
      throw OperatorError(
        .invalidAttribute, "attribute '\(attribute.name)' is of the wrong kind")
    }
  }

  /// Where the values of a sparse tensor lie, in row-major order.
  private static func places(_ sparse: SparseTensor) throws(OperatorError) -> [Int] {
    let values = sparse.values.tensor
    try expectMovable("Constant", ArrayType(values))
    let whole = try ArrayType(values.elementType, sparse.shape).checked()
    guard let indices = sparse.indices?.tensor ?? (values.count == 0 ? Tensor([Int64]()) : nil),
      indices.elementType == .int64, values.shape.count == 1,
      indices.shape == values.shape || indices.shape == values.shape + [sparse.shape.count]
    else {
      throw OperatorError(
        .invalidAttribute, "sparse_value: indices do not fit values of \(values.shape)")
    }
    let numbers = indices.integers ?? []
    // One number names a place in row-major order, more of them a place on each axis.
    let extents = indices.shape.count == 1 ? [whole.count] : sparse.shape
    var places: [Int] = []
    for value in 0..<values.count {
      var place = 0
      for (axis, extent) in extents.enumerated() {
        let index = numbers[value * extents.count + axis]
        guard index >= 0, index < extent else {
          throw OperatorError(
            .invalidAttribute,
            "sparse_value: index \(index) is out of range for an axis of \(extent)")
        }
        place = place * extent + index
      }
      places.append(place)
    }
    return places
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    switch contents {
    case .dense(let value):
      try expect("Constant", supports: value.elementType, value.elementType.bitWidth != nil)
      return .types([ArrayType(value)])
    case .sparse(let values, _, let shape): return .types([ArrayType(values.elementType, shape)])
    }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let y = outputs[0]
    switch contents {
    case .dense(let value):
      guard let start = value.region.bytes.baseAddress else { return }
      y.buffer.copyMemory(from: start, byteCount: value.region.count)
    case .sparse(let values, let places, _):
      let size = values.elementType.movableByteCount!
      UnsafeMutableRawBufferPointer(start: y.buffer, count: y.count * size)
        .initializeMemory(as: UInt8.self, repeating: 0)
      for (index, place) in places.enumerated() {
        (y.buffer + place * size).copyMemory(
          from: TensorView(values).bytePointer + index * size, byteCount: size)
      }
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
