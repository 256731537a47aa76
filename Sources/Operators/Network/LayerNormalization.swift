package import GraphIR
import Kernels
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale + bias, over all axes from `axis` on.
///
/// Shapes: scale and bias broadcast to the normalised axes; the optional outputs Mean and InvStdDev
/// have x's shape with those axes 1.
/// Attributes: axis (−1), epsilon (1e-5), stash_type (1: float).
/// Types: float.
/// Source: ONNX LayerNormalization-17.
package struct LayerNormalization: Operator {
  package static let signature = OperatorSignature(
    "LayerNormalization", inputs: 2...3, outputs: 1...3)

  private let axis: Int
  private let epsilon: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
    epsilon = try node.number("epsilon", default: 1e-5)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("LayerNormalization", supports: type.elementType, type.elementType == .float)
    let axis = try normalizedAxis(axis, rank: type.shape.count)
    let normalized = Array(type.shape[axis...])
    for operand in inputs.dropFirst() {
      guard let operand else { continue }
      try expectSameType(type, operand.type)
      guard operand.type.count == normalized.reduce(1, *) else {
        throw OperatorError(
          .shapeMismatch,
          "expected scale and bias of shape \(normalized), got \(operand.type.shape)")
      }
    }
    let statistics =
      type.shape[..<axis] + [Int](repeating: 1, count: type.shape.count - axis)
    let summary = ArrayType(.float, Array(statistics))
    return .types([type, summary, summary])
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let shape = outputs[0].shape
    let axis = try normalizedAxis(axis, rank: shape.count)
    let count = shape[axis...].reduce(1, *)
    guard outputs[0].count > 0 else { return }
    func statistic(_ index: Int) -> UnsafeMutablePointer<Float>? {
      outputs.count > index ? outputs[index].elements(of: Float.self).baseAddress : nil
    }
    Normalization.layerNormalization(
      inputs[0]!.pointer(of: Float.self), gamma: inputs[1]!.pointer(of: Float.self),
      beta: inputs.count > 2 ? inputs[2]?.pointer(of: Float.self) : nil, epsilon: epsilon,
      into: outputs[0].elements(of: Float.self).baseAddress!, rows: outputs[0].count / count,
      count: count, means: statistic(1), inverseDeviations: statistic(2))
  }
}
