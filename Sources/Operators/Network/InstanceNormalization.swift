package import GraphIR
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale[c] + bias[c], over each channel of each sample.
///
/// Shapes: x [N, C, spatial…]; scale and bias [C].
/// Attributes: epsilon (1e-5).
/// Types: float16, bfloat16, float, double.
/// Precision: computed in float, of double in double, and rounded once.
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
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      normalize(inputs, outputs[0], outputs[0].elementType.row)
    }
  }

  private func normalize<Element: RowElement>(
    _ inputs: [TensorView?], _ output: MutableTensorView, _ type: Element.Type
  ) {
    let shape = output.shape
    let y: UnsafeMutablePointer<Element> = output.start()
    let inner = shape[2...].reduce(1, *)
    Element.layerNormalization(
      inputs[0]!.pointer(), gamma: nil, beta: nil, epsilon: epsilon, into: y,
      rows: shape[0] * shape[1], count: inner, means: nil, inverseDeviations: nil)
    Element.scaleAndShiftChannels(
      y, scale: inputs[1]!.pointer(), shift: inputs[2]!.pointer(), into: y, batch: shape[0],
      channels: shape[1], inner: inner)
  }
}

/// The type of a normalisation over channels or groups of them.
///
/// - Parameter parameters: how many scales and biases an input of a shape needs.
func inferGrouped(
  _ name: String, _ inputs: [Operand?], parameters: ([Int]) throws(OperatorError) -> Int
) throws(OperatorError) -> Inference {
  let type = inputs[0]!.type
  try expect(name, supports: type.elementType, type.elementType.isFloatingPoint)
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
