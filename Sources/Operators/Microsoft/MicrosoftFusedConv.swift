package import GraphIR
import Kernels
import Tensors

/// Y = activation(convolution(X, W) + B + Z).
///
/// Shapes: as Conv; Z has Y's.
/// Attributes: those of Conv; activation (""), and its parameters in order as activation_params.
/// Types: those of Conv but double. B and Z may be absent.
/// Source: onnxruntime's FusedConv-1.
package struct MicrosoftFusedConv: Operator {
  package static let signature = OperatorSignature(
    "FusedConv", domain: MicrosoftDomain.name, inputs: 2...4)

  private let conv: Conv
  private let activation: UnaryFunction

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    conv = try Conv(node, opset: Conv.signature.versions.upperBound)
    let parameters = try node.floats("activation_params") ?? []
    activation = try fusedActivation(
      try node.text("activation", default: ""), parameters.first, parameters.dropFirst().first)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    guard case .types(let types) = try conv.infer(Array(inputs.prefix(3))) else {
      return .dependsOnContents
    }
    let type = types[0].elementType
    try expect("FusedConv", supports: type, type.isFloatingPoint && type != .double)
    if let residual = inputs.input(3)?.type, residual != types[0] {
      throw OperatorError(.shapeMismatch, "Z: expected \(types[0]), got \(residual)")
    }
    return .types(types)
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    conv.scratchByteCount(Array(inputs.prefix(3)), outputs)
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    conv.multiplyAdds(Array(inputs.prefix(3)), outputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try conv.evaluate(Array(inputs.prefix(3)), outputs, scratch: scratch)
    let given = [outputs[0].view, inputs.input(3)]
    try computingInFloat(given, outputs) { (inputs, outputs) throws(OperatorError) in
      let count = outputs[0].count
      let (x, y) = (inputs[0]!.pointer(of: Float.self), outputs[0].start(as: Float.self))
      if let residual = inputs[1]?.pointer(of: Float.self) {
        for index in 0..<count { y[index] = x[index] + residual[index] }
        activation.apply(y, into: y, count: count)
      } else {
        activation.apply(x, into: y, count: count)
      }
    }
  }
}
