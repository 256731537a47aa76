package import GraphIR
import Kernels
import Tensors

/// Y = (A - a_zero_point) (B - b_zero_point) · a_scale b_scale + bias, with the shapes of `MatMul`.
///
/// Shapes: A [..., m, k], B [..., k, n], bias [n], Y [..., m, n]; scales and zero points as in
/// `QLinearMatMul`. Inputs A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias, the last three
/// optional.
/// Types: A, B int8 or uint8, each its zero point's; scales, bias, Y float.
/// Precision: sums are exact, wrapping around at 32 bits; the factor, the product and the sum with the
/// bias are each rounded to float.
/// Source: onnxruntime's MatMulIntegerToFloat-1.
package struct MatMulIntegerToFloat: Operator {
  package static let signature = OperatorSignature(
    "MatMulIntegerToFloat", domain: MicrosoftDomain.name, inputs: 4...7)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  private func product(_ types: [ArrayType?]) throws(OperatorError) -> ScaledProduct {
    try ScaledProduct(
      "MatMulIntegerToFloat", types[0]!, types[1]!, aScale: types[2]!, bScale: types[3]!,
      aZero: types.input(4), bZero: types.input(5), bias: types.input(6))
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let product = try product(inputs.map { $0?.type })
    return .types([ArrayType(.float, product.product.shape.resultShape)])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    (try? product(inputs).product.scratchByteCount) ?? 0
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, inputs[0]!.shape.last ?? 1])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try product(inputs.map { $0?.type }).multiply(
      inputs[0]!, inputs[1]!, aScale: inputs[2]!, bScale: inputs[3]!, aZero: inputs.input(4),
      bZero: inputs.input(5), bias: inputs.input(6), into: outputs[0].start(),
      scratch: scratch)
  }
}

/// Y = A B for A quantised as `DynamicQuantizeLinear` does, as a whole, and B eight-bit integers.
///
/// Shapes: A [..., m, k], B [..., k, n], b_scale and b_zero_point one number or one for each column,
/// bias [n], Y [..., m, n]. Inputs A, B, b_scale, b_zero_point, bias, the last two optional.
/// Types: A, b_scale, bias, Y float; B int8 or uint8, its zero point's.
/// Precision: as `DynamicRange` and `MatMulIntegerToFloat`.
/// Source: onnxruntime's DynamicQuantizeMatMul-1.
package struct DynamicQuantizeMatMul: Operator {
  package static let signature = OperatorSignature(
    "DynamicQuantizeMatMul", domain: MicrosoftDomain.name, inputs: 3...5)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  private func product(_ types: [ArrayType?]) throws(OperatorError) -> ScaledProduct {
    let a = types[0]!
    try expect("DynamicQuantizeMatMul", supports: a.elementType, a.elementType == .float)
    return try ScaledProduct(
      "DynamicQuantizeMatMul", ArrayType(.uint8, a.shape), types[1]!,
      aScale: ArrayType(.float, []), bScale: types[2]!, aZero: ArrayType(.uint8, []),
      bZero: types.input(3), bias: types.input(4))
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let product = try product(inputs.map { $0?.type })
    return .types([ArrayType(.float, product.product.shape.resultShape)])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let product = (try? product(inputs).product.scratchByteCount) ?? 0
    return saturatingSum(product, inputs[0]!.count)
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, inputs[0]!.shape.last ?? 1])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let a = inputs[0]!
    let product = try product(inputs.map { $0?.type })
    guard outputs[0].count > 0, let memory = scratch.baseAddress else { return }
    // The sums, aligned, lie before the codes.
    let codes = (memory + product.product.scratchByteCount).assumingMemoryBound(to: UInt8.self)
    let range = DynamicRange(a.start(), count: a.count)
    range.quantize(a.start(), into: codes, count: a.count)
    var scale = range.scale
    var zero = UInt8(range.zero)
    let scalar = Layout(contiguous: [])
    // Pointers to the locals above hold for the closures alone.
    let failure = withUnsafePointer(to: &scale) { scale in
      withUnsafePointer(to: &zero) { zero -> OperatorError? in
        do throws(OperatorError) {
          try product.multiply(
            TensorView(.uint8, Layout(contiguous: a.shape), in: codes), inputs[1]!,
            aScale: TensorView(.float, scalar, in: scale), bScale: inputs[2]!,
            aZero: TensorView(.uint8, scalar, in: zero), bZero: inputs.input(3),
            bias: inputs.input(4), into: outputs[0].start(), scratch: scratch)
          return nil
        } catch { return error }
      }
    }
    if let failure { throw failure }
  }
}

/// An `EightBitProduct` whose sums become floats: times the scales of row and column, plus a bias for each
/// column.
struct ScaledProduct {
  let product: EightBitProduct
  private let aScales: LineParameters
  private let bScales: LineParameters

  init(
    _ name: String, _ a: ArrayType, _ b: ArrayType, aScale: ArrayType, bScale: ArrayType,
    aZero: ArrayType?, bZero: ArrayType?, bias: ArrayType?
  ) throws(OperatorError) {
    product = try EightBitProduct(name, a, b, aZero: aZero, bZero: bZero)
    _ = try ArrayType(.float, product.shape.resultShape).checked()
    for type in [aScale, bScale, bias ?? aScale] {
      try expect(name, supports: type.elementType, type.elementType == .float)
    }
    let batch = product.shape.batch
    aScales = try LineParameters(aScale.shape, of: a.shape, .row, batch: batch, noun: "scale")
    bScales = try LineParameters(bScale.shape, of: b.shape, .column, batch: batch, noun: "scale")
    if let bias, bias.shape != [product.shape.n] {
      throw OperatorError(
        .shapeMismatch, "expected a bias of shape [\(product.shape.n)], got \(bias.shape)")
    }
  }

  func multiply(
    _ a: TensorView, _ b: TensorView, aScale: TensorView, bScale: TensorView, aZero: TensorView?,
    bZero: TensorView?, bias: TensorView?, into y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (aFactors, bFactors) = (try aScale.floats(), try bScale.floats())
    let (m, n) = (product.shape.m, product.shape.n)
    guard product.shape.resultShape.allSatisfy({ $0 > 0 }) else { return }
    let (aPlaces, bPlaces) = (aScales.offsets, bScales.offsets)
    let bias = try bias?.floats() ?? [Float](repeating: 0, count: n)
    try product.forEachMatrix(a, b, aZero: aZero, bZero: bZero, scratch: scratch) { index, sums in
      for row in 0..<m {
        let factor = aFactors[aPlaces[index] + row * aScales.step]
        let (sums, y) = (sums + row * n, y + (index * m + row) * n)
        for column in 0..<n {
          let scale = factor * bFactors[bPlaces[index] + column * bScales.step]
          y[column] = Float(sums[column]) * scale + bias[column]
        }
      }
    }
  }
}
