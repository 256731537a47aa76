package import GraphIR
import Kernels
import Tensors

/// Convolution: y[n, o] = Σ w[o, i, k] x[n, i, ·] + b[o].
///
/// Shapes: x [N, C, spatial…], w [M, C / group, kernel…], b [M], y [N, M, spatial…]; any number of
/// spatial axes.
/// Attributes: auto_pad, dilations, group, kernel_shape, pads, strides.
/// Types: float, double; float16 and bfloat16, computed in float and rounded once.
/// Source: ONNX Conv-1, 11, 22.
package struct Conv: Operator {
  package static let signature = OperatorSignature("Conv", inputs: 2...3)

  private let attributes: SpatialAttributes
  private let group: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    group = try node.integer("group", default: 1)
    guard (1...Int(Int32.max)).contains(group) else {
      throw OperatorError(.invalidAttribute, "attribute 'group' must be positive, got \(group)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, w) = (inputs[0]!.type, inputs[1]!.type)
    try expectSameType(x, w)
    let convolution = try convolution(x, w)
    if let bias = inputs.input(2)?.type {
      try expectSameType(x, bias)
      guard bias.shape == [w.shape[0]] else {
        throw OperatorError(
          .shapeMismatch, "expected a bias of shape [\(w.shape[0])], got \(bias.shape)")
      }
    }
    return .types([
      try ArrayType(x.elementType, [x.shape[0], w.shape[0]] + convolution.window.output).checked()
    ])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard inputs[0]!.elementType != .double,
      let convolution = try? convolution(inputs[0]!, inputs[1]!)
    else { return 0 }
    return saturatingProduct([convolution.scratchCount, MemoryLayout<Float>.stride])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count] + inputs[1]!.shape[1...])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let convolution = try convolution(inputs[0]!.type, inputs[1]!.type)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let bias = inputs.input(2)
      if outputs[0].elementType == .double {
        convolution.apply(
          inputs[0]!.pointer(of: Double.self), weights: inputs[1]!.pointer(of: Double.self),
          bias: bias?.pointer(of: Double.self), into: outputs[0].start(as: Double.self))
      } else {
        convolution.apply(
          inputs[0]!.pointer(of: Float.self), weights: inputs[1]!.pointer(of: Float.self),
          into: outputs[0].start(as: Float.self),
          epilogue: Epilogue(rowBias: bias?.pointer(of: Float.self)),
          scratch: scratch.baseAddress!.assumingMemoryBound(to: Float.self))
      }
    }
  }

  /// The geometry, for inputs whose shapes are checked here. Lowered operators use it too.
  func convolution(_ x: ArrayType, _ w: ArrayType) throws(OperatorError) -> Convolution {
    try expect("Conv", supports: x.elementType, x.elementType.isFloatingPoint)
    guard x.shape.count >= 3, x.shape.count == w.shape.count else {
      throw OperatorError(
        .shapeMismatch, "expected as many axes in both inputs, got \(x.shape) and \(w.shape)")
    }
    guard x.shape[1] % group == 0, x.shape[1] / group == w.shape[1], w.shape[0] % group == 0 else {
      throw OperatorError(
        .shapeMismatch, "channels do not fit \(group) groups, got \(x.shape) and \(w.shape)")
    }
    let kernel = Array(w.shape[2...])
    guard saturatingProduct(w.shape[1...]) <= Int(Int32.max), w.shape[0] <= Int(Int32.max) else {
      throw OperatorError(.invalidShape, "weights of \(w.shape) are too large")
    }
    return Convolution(
      batch: x.shape[0], inputChannels: x.shape[1], outputChannels: w.shape[0], groups: group,
      window: try attributes.window(input: Array(x.shape[2...]), kernel: kernel).window)
  }
}
