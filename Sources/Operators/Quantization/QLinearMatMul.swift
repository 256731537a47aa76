package import GraphIR
import Kernels
import Tensors

/// y = saturate(round((a - a_zero_point) (b - b_zero_point) · a_scale b_scale / y_scale) +
/// y_zero_point), with the shapes of `MatMul`.
///
/// Shapes: a [..., m, k], b [..., k, n], y [..., m, n]; scale and zero point of a one number or one for
/// each row, of b one number or one for each column (`LineParameters`), of y one number.
/// Types: a, b, y int8 or uint8, each its zero point's; scales float, float16, bfloat16. Floats of eight
/// bits are not supported.
/// Precision: sums are exact, wrapping around at 32 bits; the factor and its product are rounded to
/// float, as in onnxruntime, then to the nearest integer, ties to even.
/// Source: ONNX QLinearMatMul-10, 21.
package struct QLinearMatMul: Operator {
  package static let signature = OperatorSignature("QLinearMatMul", since: 10, inputs: 8...8)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  private func product(_ inputs: [ArrayType?]) throws(OperatorError) -> EightBitProduct {
    try EightBitProduct(
      "QLinearMatMul", inputs[0]!, inputs[3]!, aZero: inputs[2]!, bZero: inputs[5]!)
  }

  private func scales(
    _ inputs: [ArrayType?], _ product: MatrixProduct
  ) throws(OperatorError) -> (a: LineParameters, b: LineParameters) {
    (
      try LineParameters(
        inputs[1]!.shape, of: inputs[0]!.shape, .row, batch: product.batch, noun: "scale"),
      try LineParameters(
        inputs[4]!.shape, of: inputs[3]!.shape, .column, batch: product.batch, noun: "scale")
    )
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let product = try product(types)
    _ = try scales(types, product.shape)
    for index in [1, 4, 6] { try expectScale("QLinearMatMul", types[index]!) }
    try expectOne(types[6]!, "scale")
    try expectOne(types[7]!, "zero point")
    try expectEightBits("QLinearMatMul", types[7]!)
    return .types([ArrayType(types[7]!.elementType, product.shape.resultShape)])
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
    let types = inputs.map { $0?.type }
    let product = try product(types)
    let (m, n) = (product.shape.m, product.shape.n)
    guard outputs[0].count > 0 else { return }
    let (aLines, bLines) = try scales(types, product.shape)
    let (aPlaces, bPlaces) = (aLines.offsets, bLines.offsets)
    let (aScales, bScales) = (try inputs[1]!.floats(), try inputs[4]!.floats())
    guard let yScale = try inputs[6]!.floats().first,
      let zero = try inputs[7]!.integers32().first,
      let range = IntegerRange(outputs[0].elementType)
    else { return }
    let y = outputs[0].start(as: UInt8.self)
    try product.forEachMatrix(
      inputs[0]!, inputs[3]!, aZero: inputs[2]!, bZero: inputs[5]!, scratch: scratch
    ) { index, sums in
      for row in 0..<m {
        let aScale = aScales[aPlaces[index] + row * aLines.step]
        let (sums, y) = (sums + row * n, y + (index * m + row) * n)
        for column in 0..<n {
          let bScale = bScales[bPlaces[index] + column * bLines.step]
          y[column] = UInt8(
            truncatingIfNeeded: range.nearest(
              Float(sums[column]) * (aScale * bScale / yScale), zero: zero))
        }
      }
    }
  }
}

/// - Throws: `OperatorError.unsupported` unless elements are floats of at most 32 bits.
func expectScale(_ name: String, _ type: ArrayType) throws(OperatorError) {
  try expect(
    name, supports: type.elementType, type.elementType == .float || type.elementType.isHalf)
}

/// - Throws: `OperatorError.shapeMismatch` unless there is one element.
func expectOne(_ type: ArrayType, _ noun: String) throws(OperatorError) {
  guard [[], [1]].contains(type.shape) else {
    throw OperatorError(.shapeMismatch, "\(noun): expected one number, got \(type.shape)")
  }
}
