package import GraphIR
import Tensors

/// y = saturate(round((the convolution of x - x_zero_point with w - w_zero_point, plus B) ·
/// x_scale w_scale / y_scale) + y_zero_point).
///
/// Shapes and attributes: as `EightBitConvolution`; w_scale one number or [M], B [M], the scales and zero
/// points of x and y one number; y [N, M, spatial…].
/// Types: x, w, y int8 or uint8, each its zero point's; scales float; B int32.
/// Precision: sums are exact, wrapping around at 32 bits; the factor and its product are rounded to
/// float, as in onnxruntime, then to the nearest integer, ties to even.
/// Source: ONNX QLinearConv-10.
package struct QLinearConv: Operator {
  package static let signature = OperatorSignature("QLinearConv", since: 10, inputs: 8...9)

  private let convolution: EightBitConvolution

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    convolution = try EightBitConvolution("QLinearConv", node)
    guard try !node.flag("channels_last", default: false) else {
      throw OperatorError(.unsupported, "QLinearConv with channels last is not supported")
    }
  }

  private func plan(_ inputs: [ArrayType?]) throws(OperatorError) -> EightBitConvolution.Plan {
    try convolution.plan(inputs[0]!, inputs[3]!, xZero: inputs[2]!, wZero: inputs[5]!)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let plan = try plan(types)
    for index in [1, 4, 6] {
      try expect(
        "QLinearConv", supports: types[index]!.elementType, types[index]!.elementType == .float)
    }
    try expectOne(types[1]!, "scale")
    try expectOne(types[4]!, "scale", orEach: plan.shape[1])
    try expectOne(types[6]!, "scale")
    try expectOne(types[7]!, "zero point")
    try expectEightBits("QLinearConv", types[7]!)
    if let bias = types.input(8), bias != ArrayType(.int32, [plan.shape[1]]) {
      throw OperatorError(
        .shapeMismatch, "expected a bias of int32[\(plan.shape[1])], got \(bias)")
    }
    return .types([ArrayType(types[7]!.elementType, plan.shape)])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    (try? plan(inputs)).map(convolution.scratchByteCount) ?? 0
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count] + inputs[3]!.shape[1...])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let plan = try plan(inputs.map { $0?.type })
    let wScales = try inputs[4]!.floats()
    guard let xScale = try inputs[1]!.floats().first, let yScale = try inputs[6]!.floats().first,
      let zero = try inputs[7]!.integers32().first,
      let range = IntegerRange(outputs[0].elementType)
    else { return }
    let bias = try inputs.input(8)?.integers32()
    let y = outputs[0].start(as: UInt8.self)
    let channels = plan.shape[1]
    try convolution.forEachImage(
      plan, inputs[0]!, inputs[3]!, xZero: inputs[2]!, wZero: inputs[5]!, scratch: scratch
    ) { image, sums in
      let count = plan.sumCount / channels
      for channel in 0..<channels {
        let factor = xScale * wScales[wScales.count == 1 ? 0 : channel] / yScale
        let shift = bias?[channel] ?? 0
        let (sums, y) = (sums + channel * count, y + (image * channels + channel) * count)
        for i in 0..<count {
          y[i] = UInt8(
            truncatingIfNeeded: range.nearest(Float(sums[i] &+ shift) * factor, zero: zero))
        }
      }
    }
  }
}
