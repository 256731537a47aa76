package import GraphIR
import Tensors

/// Y = X, of any kind.
///
/// Shapes: X, Y [any].
/// Source: ONNX Identity-1, 13, 14, 16, 19, 21, 23, 24, 25.
package struct Identity: ViewOperator, ValueOperator {
  package static let signature = OperatorSignature("Identity", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try expectMovable(inputs[0]!.type)
    return .types([inputs[0]!.type])
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? { [input] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try copyViews(inputs, outputs)
  }

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] { [values[0]!] }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }
  package var overwritableInputs: [Int] { [0] }
}
