package import GraphIR
import Kernels
import Tensors

/// Y = (A - a_zero_point) (B - b_zero_point), with the shapes of `MatMul`.
///
/// Shapes: A [..., m, k], B [..., k, n], Y [..., m, n]; a_zero_point one number or one for each row of A,
/// b_zero_point one number or one for each column of B (`LineParameters`).
/// Types: A, B int8 or uint8, each its zero point's; Y int32.
/// Precision: exact, wrapping around at 32 bits.
/// Source: ONNX MatMulInteger-10.
package struct MatMulInteger: Operator {
  package static let signature = OperatorSignature("MatMulInteger", since: 10, inputs: 2...4)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  private func product(_ inputs: [ArrayType?]) throws(OperatorError) -> EightBitProduct {
    try EightBitProduct(
      "MatMulInteger", inputs[0]!, inputs[1]!, aZero: inputs.input(2),
      bZero: inputs.input(3))
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([ArrayType(.int32, try product(inputs.map { $0?.type }).shape.resultShape)])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    (try? product(inputs).scratchByteCount) ?? 0
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, inputs[0]!.shape.last ?? 1])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let product = try product(inputs.map { $0?.type })
    let size = product.shape.m * product.shape.n
    let y = outputs[0].start(as: Int32.self)
    try product.forEachMatrix(
      inputs[0]!, inputs[1]!, aZero: inputs.input(2), bZero: inputs.input(3),
      scratch: scratch
    ) { index, sums in (y + index * size).update(from: sums, count: size) }
  }
}
