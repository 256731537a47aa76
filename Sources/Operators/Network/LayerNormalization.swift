package import GraphIR
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale + bias, over all axes from `axis` on.
///
/// Shapes: scale and bias broadcast to the normalised axes; the optional outputs Mean and InvStdDev
/// have x's shape with those axes 1.
/// Attributes: axis (−1), epsilon (1e-5), stash_type (1: float, or 16: bfloat16), the type of Mean and
/// InvStdDev.
/// Types: float16, bfloat16, float, double.
/// Precision: computed in float, of double in double.
/// Source: ONNX LayerNormalization-17.
package struct LayerNormalization: Operator {
  package static let signature = OperatorSignature(
    "LayerNormalization", inputs: 2...3, outputs: 1...3)

  private let axis: Int
  private let epsilon: Float
  private let outputCount: Int
  private let stash: ElementType

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
    epsilon = try node.number("epsilon", default: 1e-5)
    outputCount = node.outputs.count
    stash = try stashType(node)
    guard outputCount == 1 || stash == .float || stash == .bfloat16 else {
      throw OperatorError(.unsupported, "a mean of \(stash) is not supported")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("LayerNormalization", supports: type.elementType, type.elementType.isFloatingPoint)
    let axes = try NormalizedAxes(
      axis, type, parameters: inputs.dropFirst().compactMap { $0?.type })
    let summary = try ArrayType(stash, axes.summary).checked()
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
    let axes = try NormalizedAxes(axis, outputs[0].shape)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      normalize(axes, inputs, outputs, scratch, outputs[0].elementType.row)
    }
  }

  private func normalize<Element: RowElement>(
    _ axes: NormalizedAxes, _ inputs: [TensorView?], _ outputs: [MutableTensorView],
    _ scratch: UnsafeMutableRawBufferPointer, _ type: Element.Type
  ) {
    Element.layerNormalization(
      inputs[0]!.pointer(), gamma: axes.parameter(inputs[1], 0, scratch),
      beta: axes.parameter(inputs.input(2), 1, scratch), epsilon: epsilon,
      into: outputs[0].start(), rows: axes.rows, count: axes.count,
      means: outputs.count > 1 ? outputs[1].start() : nil,
      inverseDeviations: outputs.count > 2 ? outputs[2].start() : nil)
  }
}

/// The type that `stash_type` names, float where it is absent.
func stashType(_ node: Node) throws(OperatorError) -> ElementType {
  let type = try node.elementType("stash_type") ?? .float
  guard type.isFloatingPoint else {
    throw OperatorError(
      .invalidAttribute, "stash_type: expected a floating-point type, got \(type)")
  }
  return type
}
