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
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
    epsilon = try node.number("epsilon", default: 1e-5)
    outputCount = node.outputs.count
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("LayerNormalization", supports: type.elementType, type.elementType == .float)
    let axes = try NormalizedAxes(
      axis, type, parameters: inputs.dropFirst().compactMap { $0?.type })
    let summary = ArrayType(.float, axes.outer + axes.shape.map { _ in 1 })
    return .types(Array([type, summary, summary].prefix(outputCount)))
  }

  package var overwritableInputs: [Int] { [0] }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    NormalizedAxes.scratchByteCount(axis, outputs[0], parameters: 2)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let axes = try NormalizedAxes(axis, inputs[0]!.type, parameters: [])
    func statistic(_ index: Int) -> UnsafeMutablePointer<Float>? {
      outputs.count > index ? outputs[index].elements(of: Float.self).baseAddress : nil
    }
    Normalization.layerNormalization(
      inputs[0]!.pointer(of: Float.self), gamma: axes.parameter(inputs[1], 0, scratch),
      beta: axes.parameter(inputs.count > 2 ? inputs[2] : nil, 1, scratch), epsilon: epsilon,
      into: outputs[0].elements(of: Float.self).baseAddress!, rows: axes.rows, count: axes.count,
      means: statistic(1), inverseDeviations: statistic(2))
  }
}
