package import GraphIR
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale + bias, over each group of channels of each sample.
///
/// Shapes: x [N, C, spatial…]; scale and bias [C], before version 21 [num_groups].
/// Attributes: num_groups, epsilon (1e-5), stash_type (1: float).
/// Types: float16, bfloat16, float, double.
/// Precision: computed in float, of double in double, and rounded once.
/// Source: ONNX GroupNormalization-18, 21.
package struct GroupNormalization: Operator {
  package static let signature = OperatorSignature("GroupNormalization", since: 18, inputs: 3...3)

  private let groups: Int
  private let epsilon: Float
  private let scalesGroups: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    groups = try node.integer("num_groups")
    epsilon = try node.number("epsilon", default: 1e-5)
    scalesGroups = opset < 21
    _ = try stashType(node)
    guard groups > 0 else {
      throw OperatorError(
        .invalidAttribute, "attribute 'num_groups' must be positive, got \(groups)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try inferGrouped("GroupNormalization", inputs) { (shape) throws(OperatorError) in
      guard shape[1] % groups == 0 else {
        throw OperatorError(.shapeMismatch, "channels do not fit \(groups) groups, got \(shape)")
      }
      return scalesGroups ? groups : shape[1]
    }
  }

  package var overwritableInputs: [Int] { [0] }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([2, outputs[0].shape[1], outputs[0].elementType.rowByteCount])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      normalize(inputs, outputs[0], scratch, outputs[0].elementType.row)
    }
  }

  private func normalize<Element: RowElement>(
    _ inputs: [TensorView?], _ output: MutableTensorView, _ scratch: UnsafeMutableRawBufferPointer,
    _ type: Element.Type
  ) {
    let shape = output.shape
    let (channels, inner) = (shape[1], shape[2...].reduce(1, *))
    let y: UnsafeMutablePointer<Element> = output.start()
    Element.layerNormalization(
      inputs[0]!.pointer(), gamma: nil, beta: nil, epsilon: epsilon, into: y,
      rows: shape[0] * groups, count: channels / groups * inner, means: nil,
      inverseDeviations: nil)
    let scale = scratch.baseAddress!.assumingMemoryBound(to: Element.self)
    let shift = scale + channels
    let (scales, biases) = (inputs[1]!.pointer(of: type), inputs[2]!.pointer(of: type))
    for channel in 0..<channels {
      let parameter = scalesGroups ? channel / (channels / groups) : channel
      scale[channel] = scales[parameter]
      shift[channel] = biases[parameter]
    }
    Element.scaleAndShiftChannels(
      y, scale: scale, shift: shift, into: y, batch: shape[0], channels: channels, inner: inner)
  }
}
