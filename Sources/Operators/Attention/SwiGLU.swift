import Glibc
package import GraphIR
import Kernels
import Tensors

/// Y = A sigmoid(alpha A) B, element by element.
///
/// Shapes: A, B, Y [any].
/// Attributes: alpha (1).
/// Types: float16, bfloat16, float, double.
/// Source: ONNX SwiGLU-28.
package struct SwiGLU: Operator {
  package static let signature = OperatorSignature("SwiGLU", since: 28, inputs: 2...2)

  private let alpha: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    try expect("SwiGLU", supports: a.elementType, a.elementType.isFloatingPoint)
    try expectSameType(a, b)
    guard a.shape == b.shape else {
      throw OperatorError(.shapeMismatch, "shapes differ, got \(a.shape) and \(b.shape)")
    }
    return .types([a])
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let count = outputs[0].count
      if outputs[0].elementType == .double {
        let (a, b) = (inputs[0]!.pointer(of: Double.self), inputs[1]!.pointer(of: Double.self))
        let y: UnsafeMutablePointer<Double> = outputs[0].start()
        let factor = Double(alpha)
        for index in 0..<count { y[index] = a[index] / (1 + exp(-factor * a[index])) * b[index] }
      } else {
        let b = inputs[1]!.pointer(of: Float.self)
        let y: UnsafeMutablePointer<Float> = outputs[0].start()
        let gate: UnaryFunction = alpha == 1 ? .silu : .quickGelu(alpha: alpha)
        gate.apply(inputs[0]!.pointer(), into: y, count: count)
        for index in 0..<count { y[index] *= b[index] }
      }
    }
  }
}
