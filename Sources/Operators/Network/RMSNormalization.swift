package import GraphIR
import Tensors

/// y = x / √(mean(x²) + epsilon) · scale, over all axes from `axis` on.
///
/// Shapes: scale broadcasts to the normalised axes.
/// Attributes: axis (−1), epsilon (1e-5), stash_type (1: float).
/// Types: float16, bfloat16, float, double; y has scale's, which may be another than x's, but double
/// only where both are.
/// Precision: computed in float, of double in double, and rounded once.
/// Source: ONNX RMSNormalization-23.
package struct RMSNormalization: Operator {
  package static let signature = OperatorSignature("RMSNormalization", since: 23, inputs: 2...2)

  private let axis: Int
  private let epsilon: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
    epsilon = try node.number("epsilon", default: 1e-5)
    _ = try stashType(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, scale) = (inputs[0]!.type, inputs[1]!.type)
    for type in [x.elementType, scale.elementType] {
      try expect("RMSNormalization", supports: type, type.isFloatingPoint)
    }
    if x.elementType == .double || scale.elementType == .double { try expectSameType(x, scale) }
    _ = try NormalizedAxes(axis, x.shape, parameters: [scale.shape])
    return .types([try ArrayType(scale.elementType, x.shape).checked()])
  }

  package var overwritableInputs: [Int] { [0] }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    NormalizedAxes.scratchByteCount(axis, outputs[0], parameters: 1)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let axes = try NormalizedAxes(axis, outputs[0].shape)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      normalize(axes, inputs, outputs[0], scratch, outputs[0].elementType.row)
    }
  }

  private func normalize<Element: RowElement>(
    _ axes: NormalizedAxes, _ inputs: [TensorView?], _ y: MutableTensorView,
    _ scratch: UnsafeMutableRawBufferPointer, _ type: Element.Type
  ) {
    Element.rmsNormalization(
      inputs[0]!.pointer(), gamma: axes.parameter(inputs[1], 0, scratch), epsilon: epsilon,
      into: y.start(), rows: axes.rows, count: axes.count)
  }
}
