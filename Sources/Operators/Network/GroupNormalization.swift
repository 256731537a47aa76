package import GraphIR
import Kernels
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale + bias, over each group of channels of each sample.
///
/// Shapes: x [N, C, spatial…]; scale and bias [C], before version 21 [num_groups].
/// Attributes: num_groups, epsilon (1e-5), stash_type (1: float).
/// Types: float.
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
    2 * outputs[0].shape[1] * MemoryLayout<Float>.stride
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let shape = outputs[0].shape
    guard outputs[0].count > 0 else { return }
    let (channels, inner) = (shape[1], shape[2...].reduce(1, *))
    let x = inputs[0]!.pointer(of: Float.self)
    let y = outputs[0].elements(of: Float.self).baseAddress!
    Normalization.layerNormalization(
      x, gamma: nil, beta: nil, epsilon: epsilon, into: y, rows: shape[0] * groups,
      count: channels / groups * inner)
    let scale = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    let shift = scale + channels
    let (scales, biases) = (
      inputs[1]!.pointer(of: Float.self), inputs[2]!.pointer(of: Float.self)
    )
    for channel in 0..<channels {
      let parameter = scalesGroups ? channel / (channels / groups) : channel
      scale[channel] = scales[parameter]
      shift[channel] = biases[parameter]
    }
    Normalization.scaleAndShiftChannels(
      y, scale: scale, shift: shift, into: y, batch: shape[0], channels: channels, inner: inner)
  }
}
