package import GraphIR
import Tensors

/// H_t = (1 - z) h + z H_{t-1} with the gates
/// z = f(X_t Wz' + H_{t-1} Rz' + Wbz + Rbz), r = f(X_t Wr' + H_{t-1} Rr' + Wbr + Rbr) and
/// h = g(X_t Wh' + (r H_{t-1}) Rh' + Wbh + Rbh), or with `linear_before_reset`
/// h = g(X_t Wh' + r (H_{t-1} Rh' + Rbh) + Wbh).
///
/// Attributes, Shapes: as `RecurrentLayer`, with the gates z, r, h; `linear_before_reset` (0); f and g
/// are Sigmoid and Tanh where `activations` are absent.
/// Types: float, double, float16, bfloat16; the halves in float.
/// Precision: sums as BLAS; functions as `RecurrentActivation`.
/// Source: ONNX GRU-7, 14, 22.
package struct GRU: Operator {
  package static let signature = OperatorSignature("GRU", since: 7, inputs: 3...6, outputs: 0...2)

  private let layer: RecurrentLayer
  private let cell: Cell

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    layer = try RecurrentLayer(
      node, name: "GRU", gates: 3, defaults: [.sigmoid, .tanh], opset: opset)
    cell = Cell(resetsLast: try node.flag("linear_before_reset", default: false))
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
    try layer.evaluate(inputs, outputs, scratch: scratch, cell)
  }

  private struct Cell: RecurrentCell {
    /// Whether the reset gate acts on the product with R, not on the state.
    let resetsLast: Bool

    func addBiases<Element: RecurrentElement>(
      _ biases: UnsafePointer<Element>?, into sum: UnsafeMutablePointer<Element>, hidden: Int
    ) {
      for i in 0..<(3 * hidden) {
        sum[i] =
          biases.map { $0[i] + (resetsLast && i >= 2 * hidden ? 0 : $0[3 * hidden + i]) } ?? 0
      }
    }

    func advance<Element: RecurrentElement>(_ step: RecurrentStep<Element>) {
      let hidden = step.hidden
      step.addProduct(step.state, gates: 0..<2)
      if resetsLast {
        step.addProduct(step.state, gates: 2..<3, beta: 0, into: step.spare, ldc: hidden)
      }
      for n in step.active {
        let (row, spare) = (step.row(n), step.spare + n * hidden)
        step.activate(row, count: 2 * hidden, function: 0)
        let (reset, candidate) = (row + hidden, row + 2 * hidden)
        if resetsLast {
          for i in 0..<hidden {
            let bias = step.recurrenceBias.map { $0[2 * hidden + i] } ?? 0
            candidate[i] += reset[i] * (spare[i] + bias)
          }
        } else {
          let state = step.state + n * hidden
          for i in 0..<hidden { spare[i] = reset[i] * state[i] }
        }
      }
      if !resetsLast {
        for n in step.lengths.indices where step.step >= step.lengths[n] {
          (step.spare + n * hidden).update(repeating: 0, count: hidden)
        }
        step.addProduct(step.spare, gates: 2..<3)
      }
      for n in step.active {
        let (update, candidate) = (step.row(n), step.row(n) + 2 * hidden)
        let state = step.state + n * hidden
        step.activate(candidate, count: hidden, function: 1)
        for i in 0..<hidden {
          state[i] = (1 - update[i]) * candidate[i] + update[i] * state[i]
        }
      }
    }
  }
}
