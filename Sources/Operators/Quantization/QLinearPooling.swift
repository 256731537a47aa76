package import GraphIR
import Kernels
import Tensors

/// The mean of each window of the numbers behind eight-bit codes.
///
/// Shapes: X [N, C, spatial…], Y [N, C, spatial…]; inputs X, x_scale, x_zero_point, y_scale,
/// y_zero_point, the zero points optional.
/// Attributes: as `AveragePool`; channels_last (0), which is not supported.
/// Types: int8 or uint8, one for all; scales float.
/// Precision: as `EightBitScale`, means in float.
/// Source: onnxruntime's QLinearAveragePool-1.
package struct QLinearAveragePool: Operator {
  package static let signature = OperatorSignature(
    "QLinearAveragePool", domain: MicrosoftDomain.name, inputs: 4...5, optional: [2])

  private let attributes: SpatialAttributes
  private let countsPadding: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    countsPadding = try node.flag("count_include_pad", default: false)
    try expectChannelsFirst(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = try expectQuantizedImage("QLinearAveragePool", inputs)
    let window = try window(x).window
    return .types([try ArrayType(x.elementType, x.shape[..<2] + window.output).checked()])
  }

  private func window(_ x: ArrayType) throws(OperatorError) -> (window: Window, padsEnd: [Int]) {
    guard let kernel = attributes.kernel else {
      throw OperatorError(.invalidAttribute, "attribute 'kernel_shape' is missing")
    }
    return try attributes.window(input: Array(x.shape[2...]), kernel: kernel)
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([
      saturatingSum(inputs[0]!.count, outputs[0].count), MemoryLayout<Float>.stride,
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    guard y.count > 0, let memory = scratch.baseAddress else { return }
    let (window, padsEnd) = try window(x.type)
    let numbers = try EightBitScale(x.elementType, scale: inputs[1]!, zero: inputs[2]).numbers
    let target = try EightBitScale(
      y.elementType, scale: inputs[3]!, zero: inputs.input(4))
    let floats = memory.assumingMemoryBound(to: Float.self)
    let codes = x.start(as: UInt8.self)
    for i in 0..<x.count { floats[i] = numbers[Int(codes[i])] }
    let means = floats + x.count
    Pooling.average(
      floats, into: means, planes: x.shape[0] * x.shape[1], window: window,
      countsPadding: countsPadding, padsEnd: padsEnd)
    target.codes(means, into: y.start(), count: y.count)
  }
}

/// The mean of each channel, over all spatial axes, of the numbers behind eight-bit codes.
///
/// Shapes: X [N, C, spatial…], Y [N, C, 1…]; inputs X, x_scale, x_zero_point, y_scale, y_zero_point.
/// Attributes: channels_last (0), which is not supported.
/// Types: int8 or uint8, one for all; scales float.
/// Precision: as `EightBitScale`, means in double.
/// Source: onnxruntime's QLinearGlobalAveragePool-1.
package struct QLinearGlobalAveragePool: Operator {
  package static let signature = OperatorSignature(
    "QLinearGlobalAveragePool", domain: MicrosoftDomain.name, inputs: 4...5, optional: [2])

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    try expectChannelsFirst(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = try expectQuantizedImage("QLinearGlobalAveragePool", inputs)
    guard !x.shape[2...].contains(0) else {
      throw OperatorError(
        .shapeMismatch, "expected spatial axes that are not empty, got \(x.shape)")
    }
    return .types([ArrayType(x.elementType, x.shape[..<2] + x.shape[2...].map { _ in 1 })])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    guard y.count > 0 else { return }
    let numbers = try EightBitScale(x.elementType, scale: inputs[1]!, zero: inputs[2]).numbers
    let target = try EightBitScale(
      y.elementType, scale: inputs[3]!, zero: inputs.input(4))
    let count = x.count / y.count
    let (codes, means) = (x.start(as: UInt8.self), y.start(as: UInt8.self))
    for plane in 0..<y.count {
      var sum = 0.0
      for i in plane * count..<(plane + 1) * count { sum += Double(numbers[Int(codes[i])]) }
      means[plane] = target.code(Float(sum / Double(count)))
    }
  }
}

/// y = exp(x) / Σ exp(x) along an axis, of the numbers behind eight-bit codes.
///
/// Attributes: axis (-1); opset: before 13 all axes from `axis` on are taken together.
/// Shapes: X, Y [any]; inputs X, X_scale, x_zero_point, y_scale, y_zero_point.
/// Types: int8 or uint8, one for all; scales float.
/// Precision: as `EightBitScale`, the quotients as `Softmax`. onnxruntime sums rounded exponentials,
/// which may give a neighbouring code.
/// Source: onnxruntime's QLinearSoftmax-1.
package struct QLinearSoftmax: Operator {
  package static let signature = OperatorSignature(
    "QLinearSoftmax", domain: MicrosoftDomain.name, inputs: 5...5)

  private let softmax: SoftmaxOperator<SoftmaxKind>

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    var plain = node
    if plain[attribute: "axis"] == nil { plain.attributes.append(Attribute("axis", .int(-1))) }
    softmax = try SoftmaxOperator(plain, opset: try node.integer("opset"))
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0!.type }
    for place in [1, 3] {
      try EightBitScale.expect(
        "QLinearSoftmax", types[0].elementType, scale: types[place], zero: types[place + 1])
    }
    _ = try softmax.infer([Operand(try ArrayType(.float, types[0].shape).checked())])
    return .types([types[0]])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let floats = ArrayType(.float, outputs[0].shape)
    return saturatingSum(
      saturatingProduct([outputs[0].count, MemoryLayout<Float>.stride]),
      softmax.scratchByteCount([floats], [floats]))
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    guard y.count > 0, let memory = scratch.baseAddress else { return }
    let numbers = try EightBitScale(x.elementType, scale: inputs[1]!, zero: inputs[2]).numbers
    let target = try EightBitScale(y.elementType, scale: inputs[3]!, zero: inputs[4])
    let floats = memory.assumingMemoryBound(to: Float.self)
    let codes = x.start(as: UInt8.self)
    for i in 0..<x.count { floats[i] = numbers[Int(codes[i])] }
    let view = MutableTensorView(.float, y.shape, in: memory)
    try softmax.evaluate(
      [view.view], [view],
      scratch: UnsafeMutableRawBufferPointer(
        rebasing: scratch[(y.count * MemoryLayout<Float>.stride)...]))
    target.codes(floats, into: y.start(), count: y.count)
  }
}

private func expectChannelsFirst(_ node: Node) throws(OperatorError) {
  guard try !node.flag("channels_last", default: false) else {
    throw OperatorError(
      .unsupported, "\(node.operatorType) with channels last is not supported")
  }
}

/// The type of codes [N, C, spatial…], whose scales and zero points fit.
private func expectQuantizedImage(
  _ name: String, _ inputs: [Operand?]
) throws(OperatorError) -> ArrayType {
  let types = inputs.map { $0?.type }
  for place in [1, 3] {
    try EightBitScale.expect(
      name, types[0]!.elementType, scale: types[place]!, zero: types.input(place + 1))
  }
  guard types[0]!.shape.count >= 3 else {
    throw OperatorError(.shapeMismatch, "expected at least three axes, got \(types[0]!.shape)")
  }
  return types[0]!
}
