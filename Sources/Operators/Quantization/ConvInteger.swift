package import GraphIR
import Tensors

/// y = the convolution of x - x_zero_point with w - w_zero_point.
///
/// Shapes and attributes: as `EightBitConvolution`; y [N, M, spatial…].
/// Types: x, w int8 or uint8, each its zero point's; y int32.
/// Precision: exact, wrapping around at 32 bits.
/// Source: ONNX ConvInteger-10.
package struct ConvInteger: Operator {
  package static let signature = OperatorSignature("ConvInteger", since: 10, inputs: 2...4)

  private let convolution: EightBitConvolution

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    convolution = try EightBitConvolution("ConvInteger", node)
  }

  private func plan(_ inputs: [ArrayType?]) throws(OperatorError) -> EightBitConvolution.Plan {
    try convolution.plan(
      inputs[0]!, inputs[1]!, xZero: inputs.input(2), wZero: inputs.input(3))
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([ArrayType(.int32, try plan(inputs.map { $0?.type }).shape)])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    (try? plan(inputs)).map(convolution.scratchByteCount) ?? 0
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count] + inputs[1]!.shape[1...])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let plan = try plan(inputs.map { $0?.type })
    let y = outputs[0].start(as: Int32.self)
    try convolution.forEachImage(
      plan, inputs[0]!, inputs[1]!, xZero: inputs.input(2), wZero: inputs.input(3),
      scratch: scratch
    ) { image, sums in
      (y + image * plan.sumCount).update(from: sums, count: plan.sumCount)
    }
  }
}
