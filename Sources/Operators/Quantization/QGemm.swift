package import GraphIR
import Kernels
import Tensors

/// Y = saturate(round(((op(A) - a_zero_point) (op(B) - b_zero_point) + C) · alpha a_scale b_scale /
/// y_scale) + y_zero_point), or what is rounded there, undivided, where there is no y_scale.
///
/// Shapes: op(A) [m, k], op(B) [k, n], C broadcast to [m, n], Y [m, n]; b_scale and b_zero_point one
/// number or [n], the other scales and zero points one number. Inputs A, a_scale, a_zero_point, B,
/// b_scale, b_zero_point, C, y_scale, y_zero_point, the last three optional.
/// Attributes: alpha (1), transA (0), transB (0).
/// Types: A, B int8 or uint8, each its zero point's; scales float; C int32; Y that of y_zero_point, or
/// float.
/// Precision: sums are exact, wrapping around at 32 bits; factors and products are rounded to float.
/// Source: onnxruntime's QGemm-1.
package struct QGemm: Operator {
  package static let signature = OperatorSignature(
    "QGemm", domain: MicrosoftDomain.name, inputs: 6...9)

  private let alpha: Float
  private let transposesA: Bool
  private let transposesB: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
    transposesA = try node.flag("transA", default: false)
    transposesB = try node.flag("transB", default: false)
  }

  private func extents(_ inputs: [ArrayType?]) -> (m: Int, n: Int, k: Int) {
    let (a, b) = (inputs[0]!.shape, inputs[3]!.shape)
    return (a[transposesA ? 1 : 0], b[transposesB ? 0 : 1], a[transposesA ? 0 : 1])
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    for place in [0, 3] {
      let operand = types[place]!
      try expectEightBits("QGemm", operand)
      try expectSameType(operand, types[place + 2]!)
      try expect(
        "QGemm", supports: types[place + 1]!.elementType, types[place + 1]!.elementType == .float)
      guard operand.shape.count == 2 else {
        throw OperatorError(.shapeMismatch, "expected two axes, got \(operand.shape)")
      }
    }
    let (m, n, k) = extents(types)
    guard types[3]!.shape[transposesB ? 1 : 0] == k else {
      throw OperatorError(
        .shapeMismatch,
        "inner dimensions differ, got \(types[0]!.shape) and \(types[3]!.shape)")
    }
    try expectOne(types[1]!, "scale")
    try expectOne(types[2]!, "zero point")
    try expectOne(types[4]!, "scale", orEach: n)
    try expectOne(types[5]!, "zero point", orEach: n)
    if let c = types.input(6) {
      guard c.elementType == .int32, try broadcastShape(c.shape, [m, n]) == [m, n] else {
        throw OperatorError(
          .shapeMismatch, "expected int32 that broadcast to [\(m), \(n)], got \(c)")
      }
    }
    _ = try ArrayType(.int32, [m, n]).checked()
    guard let scale = types.input(7) else {
      guard types.input(8) == nil else {
        throw OperatorError(.arity, "y_zero_point is given without y_scale")
      }
      return .types([ArrayType(.float, [m, n])])
    }
    guard let zero = types.input(8) else {
      throw OperatorError(.arity, "y_scale is given without y_zero_point")
    }
    try EightBitScale.expect("QGemm", zero.elementType, scale: scale, zero: zero)
    return .types([ArrayType(zero.elementType, [m, n])])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let (m, n, k) = extents(inputs)
    return saturatingSum(
      saturatingProduct([m, n, MemoryLayout<Int32>.stride]),
      IntegerProduct.scratchCount(m: m, n: n, k: k) * MemoryLayout<Float>.stride)
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, extents(inputs).k])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (m, n, k) = extents(inputs.map { $0?.type })
    guard m > 0, n > 0, let memory = scratch.baseAddress else { return }
    let (a, b) = (inputs[0]!, inputs[3]!)
    let (aZeros, bZeros) = (try inputs[2]!.integers32(), try inputs[5]!.integers32())
    let sums = memory.assumingMemoryBound(to: Int32.self)
    aZeros.withUnsafeBufferPointer { aZeros in
      bZeros.withUnsafeBufferPointer { bZeros in
        guard let aZero = aZeros.baseAddress, let bZero = bZeros.baseAddress else { return }
        let (aSigned, bSigned) = (a.elementType == .int8, b.elementType == .int8)
        IntegerProduct.multiply(
          m: m, n: n, k: k,
          a: IntegerOperand(
            a.start(), isSigned: aSigned, rowStride: transposesA ? 1 : k,
            columnStride: transposesA ? m : 1, zeros: aZero, zeroStep: 0,
            magnitude: IntegerOperand.magnitude(of: aZeros, isSigned: aSigned)),
          b: IntegerOperand(
            b.start(), isSigned: bSigned, rowStride: transposesB ? 1 : n,
            columnStride: transposesB ? k : 1, zeros: bZero, zeroStep: bZeros.count > 1 ? 1 : 0,
            magnitude: IntegerOperand.magnitude(of: bZeros, isSigned: bSigned)),
          into: sums, scratch: (memory + m * n * 4).assumingMemoryBound(to: Float.self))
      }
    }
    if let c = inputs.input(6) {
      let strides = c.strides(broadcastTo: [m, n])
      let numbers = c.start(as: Int32.self)
      for row in 0..<m {
        for column in 0..<n {
          sums[row * n + column] &+= numbers[row * strides[0] + column * strides[1]]
        }
      }
    }
    try finish(sums, m, n, inputs, outputs[0])
  }

  private func finish(
    _ sums: UnsafePointer<Int32>, _ m: Int, _ n: Int, _ inputs: [TensorView?],
    _ y: MutableTensorView
  ) throws(OperatorError) {
    let aScale = try inputs[1]!.floats().first ?? 1
    var factors = try inputs[4]!.floats()
    let yScale = try inputs.input(7)?.floats().first ?? 1
    for index in factors.indices { factors[index] = alpha * aScale * factors[index] / yScale }
    let step = factors.count > 1 ? 1 : 0
    guard let range = IntegerRange(y.elementType) else {
      let y = y.start(as: Float.self)
      for i in 0..<m * n { y[i] = Float(sums[i]) * factors[i % n * step] }
      return
    }
    let zero = try inputs.input(8)?.integers32().first ?? 0
    let codes = y.start(as: UInt8.self)
    for i in 0..<m * n {
      codes[i] = UInt8(
        truncatingIfNeeded: range.nearest(Float(sums[i]) * factors[i % n * step], zero: zero))
    }
  }
}
