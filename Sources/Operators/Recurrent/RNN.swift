package import GraphIR
import Tensors

/// H_t = f(X_t W' + H_{t-1} R' + Wb + Rb).
///
/// Attributes, Shapes: as `RecurrentLayer`, with one gate; f is Tanh where `activations` are absent.
/// Types: float, double, float16, bfloat16; the halves in float.
/// Precision: sums as BLAS; functions as `RecurrentActivation`.
/// Source: ONNX RNN-7, 14, 22.
package struct RNN: Operator {
  package static let signature = OperatorSignature("RNN", since: 7, inputs: 3...6, outputs: 0...2)

  private let layer: RecurrentLayer

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    layer = try RecurrentLayer(node, name: "RNN", gates: 1, defaults: [.tanh], opset: opset)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try layer.infer(inputs)
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    layer.scratchByteCount(inputs)
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    layer.multiplyAdds(inputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try layer.evaluate(inputs, outputs, scratch: scratch, Cell())
  }

  private struct Cell: RecurrentCell {
    func addBiases<Element: RecurrentElement>(
      _ biases: UnsafePointer<Element>?, into sum: UnsafeMutablePointer<Element>, hidden: Int
    ) {
      for i in 0..<hidden { sum[i] = biases.map { $0[i] + $0[hidden + i] } ?? 0 }
    }

    func advance<Element: RecurrentElement>(_ step: RecurrentStep<Element>) {
      step.addProduct(step.state, gates: 0..<1)
      for n in step.active {
        step.activate(step.row(n), count: step.hidden, function: 0)
        (step.state + n * step.hidden).update(from: step.row(n), count: step.hidden)
      }
    }
  }
}
