package import GraphIR
import Tensors

/// y = x / √(mean(x²) + epsilon) · scale, over all axes from `axis` on.
///
/// Shapes: scale broadcasts to the normalised axes; the optional output inv_std_var has x's shape with
/// those axes 1.
/// Attributes: axis (−1), epsilon (1e-5), stash_type (1: float).
/// Types: float16, bfloat16, float, double; y has scale's, as of RMSNormalization, and inv_std_var is
/// float, of double double.
/// Precision: computed in float, of double in double, and rounded once.
/// Source: onnxruntime's SimplifiedLayerNormalization-1, which it keeps in the default domain.
package struct SimplifiedLayerNormalization: Operator {
  package static let signature = OperatorSignature(
    "SimplifiedLayerNormalization", inputs: 2...2, outputs: 1...2)

  private let base: RMSNormalization
  private let axis: Int
  private let epsilon: Float
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    base = try RMSNormalization(node, opset: opset)
    axis = try node.integer("axis", default: -1)
    epsilon = try node.number("epsilon", default: 1e-5)
    outputCount = node.outputs.count
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    guard case .types(let types) = try base.infer(inputs) else { return .dependsOnContents }
    let type = inputs[0]!.type
    let summary = try ArrayType(
      type.elementType == .double ? .double : .float, try NormalizedAxes(axis, type.shape).summary
    ).checked()
    return .types(Array((types + [summary]).prefix(outputCount)))
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    base.scratchByteCount(inputs, outputs)
  }

  package var overwritableInputs: [Int] { outputCount == 1 ? base.overwritableInputs : [] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try base.evaluate(inputs, [outputs[0]], scratch: scratch)
    guard outputs.count > 1, outputs[0].count > 0 else { return }
    let axes = try NormalizedAxes(axis, outputs[0].shape)
    try computingInFloat([inputs[0]], [outputs[1]]) { (inputs, outputs) throws(OperatorError) in
      summarize(axes, inputs[0]!, outputs[0], outputs[0].elementType.row)
    }
  }

  private func summarize<Element: RowElement>(
    _ axes: NormalizedAxes, _ x: TensorView, _ inverse: MutableTensorView, _ type: Element.Type
  ) {
    let inverses: UnsafeMutablePointer<Element> = inverse.start()
    for row in 0..<axes.rows {
      inverses[row] = inverseRootMeanSquare(
        x.pointer(of: type) + row * axes.count, count: axes.count, epsilon: epsilon)
    }
  }
}

/// 1 / √(mean(x²) + epsilon).
func inverseRootMeanSquare<Element: RowElement>(
  _ x: UnsafePointer<Element>, count: Int, epsilon: Float
) -> Element {
  var squares: Element = 0
  for index in 0..<count { squares += x[index] * x[index] }
  return 1 / (squares / Element(count) + Element(epsilon)).squareRoot()
}
