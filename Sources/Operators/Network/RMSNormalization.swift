package import GraphIR
import Kernels
import Tensors

/// y = x / √(mean(x²) + epsilon) · scale, over all axes from `axis` on.
///
/// Shapes: scale broadcasts to the normalised axes.
/// Attributes: axis (−1), epsilon (1e-5), stash_type (1: float).
/// Types: float.
/// Source: ONNX RMSNormalization-23.
package struct RMSNormalization: Operator {
  package static let signature = OperatorSignature("RMSNormalization", since: 23, inputs: 2...2)

  private let axis: Int
  private let epsilon: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
    epsilon = try node.number("epsilon", default: 1e-5)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("RMSNormalization", supports: type.elementType, type.elementType == .float)
    _ = try NormalizedAxes(axis, type, parameters: [inputs[1]!.type])
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    NormalizedAxes.scratchByteCount(axis, outputs[0], parameters: 1)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let axes = try NormalizedAxes(axis, inputs[0]!.type, parameters: [inputs[1]!.type])
    Normalization.rmsNormalization(
      inputs[0]!.pointer(of: Float.self), gamma: axes.parameter(inputs[1], 0, scratch),
      epsilon: epsilon, into: outputs[0].elements(of: Float.self).baseAddress!, rows: axes.rows,
      count: axes.count)
  }
}
