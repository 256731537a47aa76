package import GraphIR
import Kernels
import Tensors

/// Y = activation(convolution(X, W) + B + residual).
///
/// Shapes: as Conv; the residual broadcasts with Conv's result as in Add.
/// Attributes: those of Conv; activation ("none"; "relu", "gelu", "gelu-tanh", "silu").
/// Types: those of Conv. B and residual may be absent.
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
    guard let residual = inputs.input(3)?.type else { return .types(types) }
    try expectSameType(types[0], residual)
    return .types([
      try ArrayType(types[0].elementType, try broadcastShape(types[0].shape, residual.shape))
        .checked()
    ])
  }

  /// Conv's memory, then room for its result where the residual repeats it.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let convolution = try? conv.convolution(inputs[0]!, inputs[1]!) else { return 0 }
    let result = resultShape(convolution).reduce(1, *)
    let repeated = result == outputs[0].count ? 0 : result
    if outputs[0].elementType == .double { return repeated * MemoryLayout<Double>.stride }
    return saturatingProduct([
      saturatingSum(convolution.scratchCount, repeated), MemoryLayout<Float>.stride,
    ])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    conv.multiplyAdds(inputs, outputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let convolution = try conv.convolution(inputs[0]!.type, inputs[1]!.type)
    if outputs[0].elementType == .double {
      return try evaluateDouble(convolution, inputs, outputs, scratch)
    }
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      evaluateFloat(convolution, inputs, outputs[0], scratch)
    }
  }

  private func evaluateFloat(
    _ convolution: Convolution, _ inputs: [TensorView?], _ y: MutableTensorView,
    _ scratch: UnsafeMutableRawBufferPointer
  ) {
    let base = y.start(as: Float.self)
    let shape = resultShape(convolution)
    let residual = inputs.input(3)
    let isPlain = residual.map { $0.count == y.count } ?? true && shape.reduce(1, *) == y.count
    var epilogue = Epilogue(rowBias: inputs.input(2)?.pointer(of: Float.self))
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

  private func evaluateDouble(
    _ convolution: Convolution, _ inputs: [TensorView?], _ outputs: [MutableTensorView],
    _ scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (y, shape) = (outputs[0], resultShape(convolution))
    let isRepeated = shape.reduce(1, *) != y.count
    let result = isRepeated ? MutableTensorView(.double, shape, in: scratch.baseAddress!) : y
    try conv.evaluate(Array(inputs.prefix(3)), [result], scratch: scratch)
    let target = y.start(as: Double.self)
    if let residual = inputs.input(3) {
      Broadcast.map(
        UnsafePointer(result.start(as: Double.self)),
        strides: result.view.strides(broadcastTo: y.shape),
        residual.pointer(of: Double.self), strides: residual.strides(broadcastTo: y.shape),
        into: target, shape: y.shape
      ) { $0 + $1 }
    }
    for i in 0..<y.count { target[i] = activation.apply(target[i]) }
  }

  private func resultShape(_ convolution: Convolution) -> [Int] {
    [convolution.batch, convolution.outputChannels] + convolution.window.output
  }
}
