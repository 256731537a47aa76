package import GraphIR
import Kernels
import Tensors

/// Transposed convolution.
///
/// Shapes: x [N, C, spatial…], w [C, M / group, kernel…], b [M], y [N, M, spatial…] with
/// stride · (in − 1) + output_padding + dilation · (kernel − 1) + 1 − pads elements per axis.
/// Attributes: auto_pad, dilations, group, kernel_shape, output_padding, output_shape, pads, strides.
/// An output_shape, or SAME padding, decides the padding in place of pads: what there is too much is cut
/// off both ends, an odd element at the end with SAME_UPPER, else at the begin; what is missing is zero.
/// Types: float, double; float16 and bfloat16, computed in float and rounded once.
/// Source: ONNX ConvTranspose-1, 11, 22.
package struct ConvTranspose: Operator {
  package static let signature = OperatorSignature("ConvTranspose", inputs: 2...3)

  private let attributes: SpatialAttributes
  private let group: Int
  private let outputPadding: [Int]?
  private let outputShape: [Int]?

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    group = try node.integer("group", default: 1)
    outputPadding = try node.integers("output_padding")
    outputShape = try node.integers("output_shape")
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
      guard bias.shape == [convolution.outputChannels] else {
        throw OperatorError(
          .shapeMismatch,
          "expected a bias of shape [\(convolution.outputChannels)], got \(bias.shape)")
      }
    }
    return .types([
      try ArrayType(
        x.elementType, [x.shape[0], convolution.outputChannels] + convolution.window.input
      ).checked()
    ])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard inputs[0]!.elementType != .double,
      let convolution = try? convolution(inputs[0]!, inputs[1]!)
    else { return 0 }
    return saturatingProduct([convolution.scratchCount, MemoryLayout<Float>.stride])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([inputs[0]!.count] + inputs[1]!.shape[1...])
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
          bias: bias?.pointer(of: Float.self), into: outputs[0].start(as: Float.self),
          scratch: scratch.baseAddress!.assumingMemoryBound(to: Float.self))
      }
    }
  }

  private func convolution(
    _ x: ArrayType, _ w: ArrayType
  ) throws(OperatorError) -> TransposedConvolution {
    try expect("ConvTranspose", supports: x.elementType, x.elementType.isFloatingPoint)
    guard x.shape.count >= 3, x.shape.count == w.shape.count else {
      throw OperatorError(
        .shapeMismatch, "expected as many axes in both inputs, got \(x.shape) and \(w.shape)")
    }
    guard x.shape[1] == w.shape[0], x.shape[1] % group == 0 else {
      throw OperatorError(
        .shapeMismatch, "channels do not fit \(group) groups, got \(x.shape) and \(w.shape)")
    }
    guard saturatingProduct(w.shape[1...]) <= Int(Int32.max), x.shape[1] <= Int(Int32.max),
      saturatingProduct([w.shape[1], group]) <= Int(Int32.max)
    else { throw OperatorError(.invalidShape, "weights of \(w.shape) are too large") }
    return TransposedConvolution(
      batch: x.shape[0], inputChannels: x.shape[1], outputChannels: w.shape[1] * group,
      groups: group, window: try window(Array(x.shape[2...]), kernel: Array(w.shape[2...])))
  }

  /// The window of the convolution that leads back from y to x.
  private func window(_ input: [Int], kernel: [Int]) throws(OperatorError) -> Window {
    try attributes.checkExtents(input, kernel: kernel)
    let (strides, dilations, pads) = try attributes.lists(axes: input.count)
    let extra = outputPadding ?? [Int](repeating: 0, count: input.count)
    guard extra.count == input.count, outputShape?.count ?? input.count == input.count else {
      throw OperatorError(
        .invalidAttribute, "expected output_padding and output_shape of \(input.count) entries")
    }
    guard (extra + (outputShape ?? [])).allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
      throw OperatorError(.invalidAttribute, "output_padding or output_shape is out of range")
    }
    var (begin, output) = ([Int](), [Int]())
    for axis in input.indices {
      let (reach, overflow) = (kernel[axis] - 1).multipliedReportingOverflow(by: dilations[axis])
      guard !overflow, reach < Int(Int32.max) else {
        throw OperatorError(.invalidShape, "the kernel's reach overflows")
      }
      let full = strides[axis] * (input[axis] - 1) + extra[axis] + reach + 1
      if let wanted = outputShape?[axis] ?? sameLength(input[axis], strides[axis]) {
        let total = max(0, full - wanted)
        begin.append(attributes.autoPad == .sameUpper ? total / 2 : total - total / 2)
        output.append(wanted)
      } else {
        let explicit = attributes.autoPad == .explicit
        begin.append(explicit ? pads[axis] : 0)
        output.append(full - (explicit ? pads[axis] + pads[axis + input.count] : 0))
      }
      guard (0...Int(Int32.max)).contains(output[axis]) else {
        throw OperatorError(.invalidShape, "the result would have \(output[axis]) elements")
      }
    }
    try SpatialAttributes.expectIndexable(output)
    return Window(
      input: output, kernel: kernel, output: input, strides: strides, dilations: dilations,
      padsBegin: begin)
  }

  /// The extent that SAME padding asks for.
  private func sameLength(_ input: Int, _ stride: Int) -> Int? {
    switch attributes.autoPad {
    case .sameUpper, .sameLower: input * stride
    case .explicit, .valid: nil
    }
  }
}
