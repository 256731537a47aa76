package import GraphIR
import Kernels
import Tensors

/// Y = activation(alpha op(A) op(B) + beta C).
///
/// Shapes and attributes: those of Gemm; activation (""), and its parameters as activation_alpha,
/// activation_beta and activation_gamma.
/// Types: float16, bfloat16, float.
/// Precision: as Gemm states, then the activation's kernel; of 16 bits in float and rounded once.
/// Source: onnxruntime's FusedGemm-1.
package struct MicrosoftFusedGemm: Operator {
  package static let signature = OperatorSignature(
    "FusedGemm", domain: MicrosoftDomain.name, inputs: 2...3)

  private let base: GeneralMatrixProduct
  private let activation: UnaryFunction

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    base = try GeneralMatrixProduct(node, opset: 13)
    let parameters = [
      try node.optionalNumber("activation_alpha"), try node.optionalNumber("activation_beta"),
      try node.optionalNumber("activation_gamma"),
    ]
    activation = try fusedActivation(
      try node.text("activation", default: ""), parameters[0],
      parameters[1] ?? parameters[2])
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type.elementType
    try expect("FusedGemm", supports: type, type.isFloatingPoint && type != .double)
    return try base.infer(inputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    base.acceptsStrides(layout, at: input)
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    base.multiplyAdds(inputs, outputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      try base.evaluate(inputs, outputs, scratch: scratch)
      let y: UnsafeMutablePointer<Float> = outputs[0].start()
      activation.apply(y, into: y, count: outputs[0].count)
    }
  }
}

/// The function that fused products apply, by the name of its operator; "" is none.
///
/// - Parameters: what the operator calls alpha or min, and beta, gamma or max; its defaults where absent.
/// - Throws: `OperatorError.unsupported` where there is no such function.
func fusedActivation(
  _ name: String, _ first: Float?, _ second: Float?
) throws(OperatorError) -> UnaryFunction {
  switch name {
  case "": return .identity
  case "Relu": return .relu
  case "Tanh": return .tanh
  case "Sigmoid": return .sigmoid
  case "Softplus": return .softplus
  case "Softsign": return .softsign
  case "HardSwish": return .hardSwish
  case "LeakyRelu": return .leakyRelu(alpha: first ?? 0.01)
  case "Elu": return .elu(alpha: first ?? 1)
  case "Selu": return .selu(alpha: first ?? 1.673_263_2, gamma: second ?? 1.050_701)
  case "ThresholdedRelu": return .thresholdedRelu(alpha: first ?? 1)
  case "HardSigmoid": return .hardSigmoid(alpha: first ?? 0.2, beta: second ?? 0.5)
  case "Clip": return .clip(min: first ?? -.infinity, max: second ?? .infinity)
  default:
    throw OperatorError(.unsupported, "the fused activation '\(name)' is not supported")
  }
}
