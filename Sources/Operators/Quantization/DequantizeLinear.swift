package import GraphIR
import Kernels
import Tensors

/// y = (x - x_zero_point) · x_scale.
///
/// Shapes: x, y [any]; x_scale and x_zero_point as in `QuantizeLinear`.
/// Attributes: axis (1), block_size (0), output_dtype (that of x_scale).
/// Types: x integers of 2, 4, 8, 16 or 32 bits, floats of 4 or 8; x_scale float, float16, bfloat16 or,
/// with output_dtype, float8e8m0; y float, float16, bfloat16.
/// Precision: the difference of integers is exact, but for 32 bits rounded to float, as the product is;
/// halves are rounded from there.
/// Source: ONNX DequantizeLinear-10, 13, 19, 21, 23, 24, 25.
package struct DequantizeLinear: Operator {
  package static let signature = OperatorSignature("DequantizeLinear", since: 10, inputs: 2...3)

  private let axis: Int
  private let blockSize: Int
  private let outputType: ElementType?

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 1)
    blockSize = try node.integer("block_size", default: 0)
    outputType = try node.declaredType("output_dtype")
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, scale) = (inputs[0]!.type, inputs[1]!.type)
    try expect(
      "DequantizeLinear", supports: x.elementType,
      IntegerRange(x.elementType) != nil || x.elementType == .int32
        || (NarrowFloat(x.elementType) != nil && x.elementType != .float8e8m0))
    try expect(
      "DequantizeLinear", supports: scale.elementType,
      scale.elementType == .float || scale.elementType.isHalf
        || (scale.elementType == .float8e8m0 && outputType != nil))
    let target = outputType ?? scale.elementType
    try expect("DequantizeLinear", supports: target, target == .float || target.isHalf)
    let zero = inputs.input(2)?.type
    if let zero { try expectSameType(x, zero) }
    try expectZeroPoint(zero, like: scale)
    _ = try granularity(x.shape, scale.shape)
    return .types([try ArrayType(target, x.shape).checked()])
  }

  private func granularity(_ x: [Int], _ scales: [Int]) throws(OperatorError) -> Granularity {
    try Granularity(x, scales: scales, axis: axis, blockSize: blockSize)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, scale) = (inputs[0]!, inputs[1]!)
    guard x.count > 0 else { return }
    let granularity = try granularity(x.shape, scale.shape)
    let scales = try scale.floats()
    let zero = inputs.input(2)
    let noZeros = [Int32](repeating: 0, count: scales.count)
    let zeros = x.elementType.isInteger || IntegerRange(x.elementType) != nil
    let integerZeros = zeros ? try zero?.integers32() ?? noZeros : noZeros
    let floatZeros = try zero?.floats() ?? scales.map { _ in 0 }
    try unpackingElements([x], []) { (inputs, _) throws(OperatorError) in
      try computingInFloat([], outputs) { (_, outputs) throws(OperatorError) in
        let (codes, y) = (inputs[0]!, outputs[0].start(as: Float.self))
        if let float = NarrowFloat(x.elementType) {
          let codes = codes.start(as: UInt8.self)
          float.numbers.withUnsafeBufferPointer { numbers in
            granularity.forEachRun { start, count, scale, step in
              for i in start..<start + count {
                let place = scale + (i - start) * step
                y[i] = (numbers[Int(codes[i])] - floatZeros[place]) * scales[place]
              }
            }
          }
          return
        }
        switch codes.elementType {
        case .int8: apply(codes.start(as: Int8.self), scales, integerZeros, granularity, y)
        case .uint8: apply(codes.start(as: UInt8.self), scales, integerZeros, granularity, y)
        case .int16: apply(codes.start(as: Int16.self), scales, integerZeros, granularity, y)
        case .uint16: apply(codes.start(as: UInt16.self), scales, integerZeros, granularity, y)
        default:
          let codes = codes.start(as: Int32.self)
          granularity.forEachRun { start, count, scale, step in
            for i in start..<start + count {
              let place = scale + (i - start) * step
              y[i] = Float(Int64(codes[i]) - Int64(integerZeros[place])) * scales[place]
            }
          }
        }
      }
    }
  }

  private func apply<Code: FixedWidthInteger>(
    _ x: UnsafePointer<Code>, _ scales: [Float], _ zeros: [Int32], _ granularity: Granularity,
    _ y: UnsafeMutablePointer<Float>
  ) {
    granularity.forEachRun { start, count, scale, step in
      let (x, y) = (x + start, y + start)
      if step == 0 {
        let (factor, zero) = (scales[scale], zeros[scale])
        for i in 0..<count { y[i] = Float(Int32(truncatingIfNeeded: x[i]) &- zero) * factor }
      } else {
        for i in 0..<count {
          y[i] =
            Float(Int32(truncatingIfNeeded: x[i]) &- zeros[scale + i]) * scales[scale + i]
        }
      }
    }
  }
}
