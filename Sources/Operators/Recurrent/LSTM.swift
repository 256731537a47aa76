package import GraphIR
import Tensors

/// H_t = o h(C_t), C_t = f C_{t-1} + i c with the gates
/// i = f(X_t Wi' + H_{t-1} Ri' + Pi C_{t-1} + Wbi + Rbi), f = f(X_t Wf' + H_{t-1} Rf' + Pf C_{t-1} + …),
/// c = g(X_t Wc' + H_{t-1} Rc' + …) and o = f(X_t Wo' + H_{t-1} Ro' + Po C_t + …).
///
/// Attributes, Shapes: as `RecurrentLayer`, with the gates i, o, f, c; `input_forget` (0): f is 1 - i;
/// f, g and h are Sigmoid, Tanh and Tanh where `activations` are absent. P [D, 3 H] holds i, o, f.
/// Types: float, double, float16, bfloat16; the halves in float.
/// Precision: sums as BLAS; functions as `RecurrentActivation`.
/// Source: ONNX LSTM-7, 14, 22.
package struct LSTM: Operator {
  package static let signature = OperatorSignature("LSTM", since: 7, inputs: 3...8, outputs: 0...3)

  private let layer: RecurrentLayer
  private let cell: Cell

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    layer = try RecurrentLayer(
      node, name: "LSTM", gates: 4, defaults: [.sigmoid, .tanh, .tanh], opset: opset)
    cell = Cell(couplesGates: try node.flag("input_forget", default: false))
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try layer.infer(inputs, peepholes: 3)
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
    try layer.evaluate(inputs, outputs, scratch: scratch, cell)
  }

  private struct Cell: RecurrentCell {
    /// Whether the forget gate is what the input gate leaves.
    let couplesGates: Bool

    func addBiases<Element: RecurrentElement>(
      _ biases: UnsafePointer<Element>?, into sum: UnsafeMutablePointer<Element>, hidden: Int
    ) {
      for i in 0..<(4 * hidden) { sum[i] = biases.map { $0[i] + $0[4 * hidden + i] } ?? 0 }
    }

    func advance<Element: RecurrentElement>(_ step: RecurrentStep<Element>) {
      let hidden = step.hidden
      step.addProduct(step.state, gates: 0..<4)
      for n in step.active {
        let input = step.row(n)
        let (output, forget, candidate) = (input + hidden, input + 2 * hidden, input + 3 * hidden)
        let (memory, state) = (step.cellState + n * hidden, step.state + n * hidden)
        if let peepholes = step.peepholes {
          for i in 0..<hidden {
            input[i] += peepholes[i] * memory[i]
            forget[i] += peepholes[2 * hidden + i] * memory[i]
          }
          step.activate(input, count: hidden, function: 0)
          step.activate(forget, count: hidden, function: 0)
        } else {
          step.activate(input, count: 3 * hidden, function: 0)
        }
        if couplesGates { for i in 0..<hidden { forget[i] = 1 - input[i] } }
        step.activate(candidate, count: hidden, function: 1)
        for i in 0..<hidden { memory[i] = forget[i] * memory[i] + input[i] * candidate[i] }
        if let peepholes = step.peepholes {
          for i in 0..<hidden { output[i] += peepholes[hidden + i] * memory[i] }
          step.activate(output, count: hidden, function: 0)
        }
        state.update(from: memory, count: hidden)
        Element.apply(
          step.activations[step.activations.startIndex + 2], to: state, count: hidden)
        for i in 0..<hidden { state[i] *= output[i] }
      }
    }
  }
}
