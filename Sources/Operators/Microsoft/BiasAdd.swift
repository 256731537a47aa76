package import GraphIR
import Kernels
import Tensors

/// Y = X + bias + skip.
///
/// Shapes: X, skip and Y [N, S, C], bias [C].
/// Types: float16, bfloat16, float.
/// Source: onnxruntime's BiasAdd-1.
package struct BiasAdd: Operator {
  package static let signature = OperatorSignature(
    "BiasAdd", domain: MicrosoftDomain.name, inputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, skip) = (inputs[0]!.type, inputs[2]!.type)
    try expect(
      "BiasAdd", supports: type.elementType,
      type.elementType.isFloatingPoint && type.elementType != .double)
    try expectBias(inputs[1]!.type, of: type)
    try expectSameType(type, skip)
    guard skip.shape == type.shape else {
      throw OperatorError(.shapeMismatch, "shapes differ, got \(type.shape) and \(skip.shape)")
    }
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let width = outputs[0].shape.last ?? 1
      let y: UnsafeMutablePointer<Float> = outputs[0].start()
      UnaryFunction.identity.apply(inputs[0]!.pointer(), into: y, count: outputs[0].count)
      Epilogue(
        columnBias: inputs[1]!.pointer(), residual: inputs[2]!.pointer(), residualStride: width
      ).apply(to: y, stride: width, rows: outputs[0].count / width, columns: width)
    }
  }
}

/// Y = a · gelu(b), where a and b are the halves of X + bias along the last axis.
///
/// Shapes: X [N, S, D], bias [D], Y [N, S, D / 2].
/// Types: float16, bfloat16, float.
/// Source: onnxruntime's BiasSplitGelu-1.
package struct BiasSplitGelu: Operator {
  package static let signature = OperatorSignature(
    "BiasSplitGelu", domain: MicrosoftDomain.name, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(
      "BiasSplitGelu", supports: type.elementType,
      type.elementType.isFloatingPoint && type.elementType != .double)
    try expectBias(inputs[1]!.type, of: type)
    guard let width = type.shape.last, width % 2 == 0 else {
      throw OperatorError(.shapeMismatch, "expected a last axis of two halves, got \(type.shape)")
    }
    return .types([ArrayType(type.elementType, type.shape.dropLast() + [width / 2])])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let half = outputs[0].shape.last ?? 1
      let bias = inputs[1]!.pointer(of: Float.self)
      for row in 0..<outputs[0].count / half {
        let x = inputs[0]!.pointer(of: Float.self) + row * 2 * half
        let y = outputs[0].start(as: Float.self) + row * half
        for i in 0..<half { y[i] = x[half + i] + bias[half + i] }
        UnaryFunction.gelu.apply(y, into: y, count: half)
        for i in 0..<half { y[i] *= x[i] + bias[i] }
      }
    }
  }
}
