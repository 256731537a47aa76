package import GraphIR
import Kernels
import Tensors

/// Y = activation(convolution(X, W) + B + residual).
///
/// Shapes: as Conv; the residual broadcasts with Conv's result as in Add.
/// Attributes: those of Conv; activation ("none"; "relu", "gelu", "gelu-tanh", "silu").
/// Types: float. B and residual may be absent.
package struct FusedConv: Operator {
  package static let signature = OperatorSignature(
    "FusedConv", domain: loweredDomain, inputs: 2...4)

  private let conv: Conv
  private let activation: FusedActivation

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    conv = try Conv(node, opset: Conv.signature.versions.upperBound)
    activation = try FusedActivation(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    guard case .types(let types) = try conv.infer(Array(inputs.prefix(3))) else {
      return .dependsOnContents
    }
    guard inputs.count > 3, let residual = inputs[3]?.type else { return .types(types) }
    try expectSameType(types[0], residual)
    return .types([ArrayType(.float, try broadcastShape(types[0].shape, residual.shape))])
  }

  /// Conv's memory, then room for its result where the residual repeats it.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let convolution = try? conv.convolution(inputs[0]!, inputs[1]!) else { return 0 }
    let result = resultShape(convolution).reduce(1, *)
    let repeated = result == outputs[0].count ? 0 : result
    return (convolution.scratchCount + repeated) * MemoryLayout<Float>.stride
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    conv.multiplyAdds(inputs, outputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let y = outputs[0]
    guard y.count > 0, let base = y.elements(of: Float.self).baseAddress else { return }
    let convolution = try conv.convolution(inputs[0]!.type, inputs[1]!.type)
    let shape = resultShape(convolution)
    let residual = inputs.count > 3 ? inputs[3] : nil
    let isPlain = residual.map { $0.count == y.count } ?? true && shape.reduce(1, *) == y.count
    var epilogue = Epilogue(rowBias: inputs.count > 2 ? inputs[2]?.pointer(of: Float.self) : nil)
    if isPlain {
      epilogue.residual = residual?.pointer(of: Float.self)
      epilogue.activation = activation.function
    }
    let memory =
      scratch.baseAddress?.assumingMemoryBound(to: Float.self)
      ?? UnsafeMutablePointer(bitPattern: 64)!
    let target = shape.reduce(1, *) == y.count ? base : memory + convolution.scratchCount
    convolution.apply(
      inputs[0]!.pointer(of: Float.self), weights: inputs[1]!.pointer(of: Float.self), into: target,
      epilogue: epilogue, scratch: memory)
    guard !isPlain, let residual else { return }
    addBroadcast(target, shape: shape, residual, into: y, activation: activation.function)
  }

  private func resultShape(_ convolution: Convolution) -> [Int] {
    [convolution.batch, convolution.outputChannels] + convolution.window.output
  }
}
