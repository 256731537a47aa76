package import GraphIR
import Tensors

/// Y = X with elements replaced by updates at places along an axis: `ScatterElements` by its first name.
///
/// Attributes, Shapes, Throws: as `ScatterElements`, without a reduction.
/// Source: ONNX Scatter-9.
package struct Scatter: Operator {
  private let elements: ScatterElements

  package static let signature = OperatorSignature(
    "Scatter", since: 9, through: 10, inputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    elements = try ScatterElements(node, opset: opset)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try elements.infer(inputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try elements.evaluate(inputs, outputs, scratch: scratch)
  }
}
