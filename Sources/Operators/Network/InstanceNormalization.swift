package import GraphIR
import Kernels
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale[c] + bias[c], over each channel of each sample.
///
/// Shapes: x [N, C, spatial…]; scale and bias [C].
/// Attributes: epsilon (1e-5).
/// Types: float.
/// Source: ONNX InstanceNormalization-1, 6, 22.
package struct InstanceNormalization: Operator {
  package static let signature = OperatorSignature("InstanceNormalization", inputs: 3...3)

  private let epsilon: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    epsilon = try node.number("epsilon", default: 1e-5)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try inferGrouped("InstanceNormalization", inputs, parameters: { $0[1] })
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let shape = outputs[0].shape
    guard outputs[0].count > 0 else { return }
    let y = outputs[0].elements(of: Float.self).baseAddress!
    let inner = shape[2...].reduce(1, *)
    Normalization.layerNormalization(
      inputs[0]!.pointer(of: Float.self), gamma: nil, beta: nil, epsilon: epsilon, into: y,
      rows: shape[0] * shape[1], count: inner)
    Normalization.scaleAndShiftChannels(
      y, scale: inputs[1]!.pointer(of: Float.self), shift: inputs[2]!.pointer(of: Float.self),
      into: y, batch: shape[0], channels: shape[1], inner: inner)
  }
}

/// The type of a normalisation over channels or groups of them.
///
/// - Parameter parameters: how many scales and biases an input of a shape needs.
func inferGrouped(
  _ name: String, _ inputs: [Operand?], parameters: ([Int]) throws(OperatorError) -> Int
) throws(OperatorError) -> Inference {
  let type = inputs[0]!.type
  try expect(name, supports: type.elementType, type.elementType == .float)
  guard type.shape.count >= 2 else {
    throw OperatorError(.shapeMismatch, "expected at least two axes, got \(type.shape)")
  }
  let count = try parameters(type.shape)
  for operand in inputs.dropFirst() {
    try expectSameType(type, operand!.type)
    guard operand!.type.shape == [count] else {
      throw OperatorError(
        .shapeMismatch, "expected scale and bias of shape [\(count)], got \(operand!.type.shape)")
    }
  }
  return .types([type])
}
