import Glibc
package import GraphIR
package import Kernels
import Tensors

/// y = gelu(x + bias).
///
/// Shapes: x and y [..., N], bias [N].
/// Types: float16, bfloat16, float, double. FastGelu's bias may be absent.
/// Precision: of float as the kernels state; of 16 bits in float and rounded once.
/// Source: onnxruntime's BiasGelu-1 and FastGelu-1.
package struct BiasedGelu<Kind: BiasedGeluKind>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(
      Kind.name, domain: MicrosoftDomain.name, inputs: (Kind.needsBias ? 2 : 1)...2)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(Kind.name, supports: type.elementType, type.elementType.isFloatingPoint)
    if let bias = inputs.input(1)?.type { try expectBias(bias, of: type) }
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let width = outputs[0].shape.last ?? 1
      let rows = outputs[0].count / width
      if outputs[0].elementType == .double {
        let (x, bias) = (inputs[0]!.pointer(of: Double.self), inputs.input(1))
        let terms: UnsafePointer<Double>? = bias?.pointer()
        let y: UnsafeMutablePointer<Double> = outputs[0].start()
        for index in 0..<rows * width {
          y[index] = Kind.apply(x[index] + (terms?[index % width] ?? 0))
        }
      } else {
        let y: UnsafeMutablePointer<Float> = outputs[0].start()
        UnaryFunction.identity.apply(inputs[0]!.pointer(), into: y, count: rows * width)
        Epilogue(columnBias: inputs.input(1)?.pointer(), activation: Kind.kernel)
          .apply(to: y, stride: width, rows: rows, columns: width)
      }
    }
  }
}

/// What tells the operators of the family apart.
package protocol BiasedGeluKind: Sendable {
  static var name: String { get }
  static var needsBias: Bool { get }
  static var kernel: UnaryFunction { get }
  static func apply(_ x: Double) -> Double
}

/// x Φ(x).
package enum BiasGelu: BiasedGeluKind {
  package static let name = "BiasGelu"
  package static let needsBias = true
  package static let kernel = UnaryFunction.gelu
  package static func apply(_ x: Double) -> Double { x / 2 * erfc(-x / 2.0.squareRoot()) }
}

/// x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2.
package enum FastGelu: BiasedGeluKind {
  package static let name = "FastGelu"
  package static let needsBias = false
  package static let kernel = UnaryFunction.geluTanh
  package static func apply(_ x: Double) -> Double {
    x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }
}

/// x / (1 + exp(-alpha x)).
package struct QuickGelu: UnaryDefinition {
  let alpha: Float
  package static let name = "QuickGelu"
  package static let since = 1
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1.702)
  }
  package var kernel: UnaryFunction? { .quickGelu(alpha: alpha) }
  package func apply(_ x: Double) -> Double { x / (1 + exp(-Double(alpha) * x)) }
}

/// Checks that there is one bias for each place of the last axis.
func expectBias(_ bias: ArrayType, of type: ArrayType) throws(OperatorError) {
  try expectSameType(type, bias)
  guard let width = type.shape.last, bias.shape == [width] else {
    throw OperatorError(
      .shapeMismatch, "expected a bias for the last axis of \(type.shape), got \(bias.shape)")
  }
}
