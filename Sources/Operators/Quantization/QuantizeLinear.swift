package import GraphIR
import Kernels
import Tensors

/// y = saturate(round(x / y_scale) + y_zero_point).
///
/// Shapes: x, y [any]; y_scale and y_zero_point one number, one for each place along `axis`, or one for
/// each block of `block_size` places along it (`Granularity`).
/// Attributes: axis (1), block_size (0), output_dtype (that of y_zero_point, uint8 without it),
/// precision (that of y_scale), saturate (1).
/// Types: x float, float16, bfloat16, int32; y_scale those or float8e8m0; y integers of 2, 4, 8 or 16
/// bits, floats of 4 or 8.
/// Precision: divides in `precision`, integers and exponents in float; rounds ties to even. NaN becomes
/// the least integer.
/// Source: ONNX QuantizeLinear-10, 13, 19, 21, 23, 24, 25.
package struct QuantizeLinear: Operator {
  package static let signature = OperatorSignature("QuantizeLinear", since: 10, inputs: 2...3)

  private let axis: Int
  private let blockSize: Int
  private let outputType: ElementType?
  private let precision: ElementType?
  private let narrowing: Narrowing

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 1)
    blockSize = try node.integer("block_size", default: 0)
    outputType = try node.declaredType("output_dtype")
    precision = try node.declaredType("precision")
    narrowing = try Narrowing(node)
    if let precision {
      try expect("QuantizeLinear", supports: precision, precision == .float || precision.isHalf)
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, scale) = (inputs[0]!.type, inputs[1]!.type)
    for type in [x.elementType, scale.elementType] {
      let isSupported =
        type == .float || type.isHalf || type == .int32
        || (type == .float8e8m0 && type != x.elementType)
      try expect("QuantizeLinear", supports: type, isSupported)
    }
    let zero = inputs.input(2)?.type
    let target = zero?.elementType ?? outputType ?? .uint8
    if let outputType, outputType != target {
      throw OperatorError(
        .typeMismatch, "expected a zero point of \(outputType), got \(target)")
    }
    try expect(
      "QuantizeLinear", supports: target,
      IntegerRange(target) != nil || (NarrowFloat(target) != nil && target != .float8e8m0))
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
    let (x, scale, y) = (inputs[0]!, inputs[1]!, outputs[0])
    guard x.count > 0 else { return }
    let granularity = try granularity(x.shape, scale.shape)
    let scales = try scale.floats()
    let zeros = try inputs.input(2)?.floats() ?? scales.map { _ in 0 }
    let precision = precision ?? scale.elementType
    if x.elementType == .float, !precision.isHalf {
      return try write(x.start(), scales, zeros, granularity, into: y)
    }
    let ratios = UnsafeMutablePointer<Float>.allocate(capacity: x.count)
    defer { ratios.deallocate() }
    try convert(x, into: MutableTensorView(.float, x.shape, in: ratios))
    guard precision.isHalf else {
      return try write(ratios, scales, zeros, granularity, into: y)
    }
    try round(ratios, count: x.count, to: precision)
    var divisors = scales
    for index in divisors.indices { try round(&divisors[index], count: 1, to: precision) }
    divisors.withUnsafeBufferPointer { divisors in
      granularity.forEachRun { start, count, scale, step in
        for i in 0..<count { ratios[start + i] /= divisors[scale + i * step] }
      }
    }
    try round(ratios, count: x.count, to: precision)
    try write(ratios, scales.map { _ in 1 }, zeros, granularity, into: y)
  }

  /// Rounds floats to those that the half-precision type has.
  private func round(
    _ x: UnsafeMutablePointer<Float>, count: Int, to type: ElementType
  ) throws(OperatorError) {
    let halves = UnsafeMutablePointer<UInt16>.allocate(capacity: count)
    defer { halves.deallocate() }
    let floats = MutableTensorView(.float, [count], in: x)
    let rounded = MutableTensorView(type, [count], in: halves)
    try convert(floats.view, into: rounded)
    try convert(rounded.view, into: floats)
  }

  private func write(
    _ x: UnsafePointer<Float>, _ scales: [Float], _ zeros: [Float], _ granularity: Granularity,
    into y: MutableTensorView
  ) throws(OperatorError) {
    try unpackingElements([], [y]) { (_, outputs) throws(OperatorError) in
      let target = outputs[0]
      if let range = IntegerRange(y.elementType) {
        let zeros = zeros.map { Int32($0) }
        if y.elementType.bitWidth == 16 {
          quantize(x, scales, zeros, range, granularity, into: target.start(as: UInt16.self))
        } else {
          quantize(x, scales, zeros, range, granularity, into: target.start(as: UInt8.self))
        }
      } else if let float = NarrowFloat(y.elementType) {
        let codes = target.start(as: UInt8.self)
        granularity.forEachRun { start, count, scale, step in
          for i in 0..<count {
            let ratio = x[start + i] / scales[scale + i * step] + zeros[scale + i * step]
            codes[start + i] = float.code(Double(ratio), narrowing)
          }
        }
      }
    }
  }

  private func quantize<Code: FixedWidthInteger>(
    _ x: UnsafePointer<Float>, _ scales: [Float], _ zeros: [Int32], _ range: IntegerRange,
    _ granularity: Granularity, into y: UnsafeMutablePointer<Code>
  ) {
    granularity.forEachRun { start, count, scale, step in
      let (x, y) = (x + start, y + start)
      if step == 0 {
        let (divisor, zero) = (scales[scale], zeros[scale])
        for i in 0..<count {
          y[i] = Code(truncatingIfNeeded: range.nearest(x[i] / divisor, zero: zero))
        }
      } else {
        for i in 0..<count {
          y[i] = Code(
            truncatingIfNeeded: range.nearest(x[i] / scales[scale + i], zero: zeros[scale + i]))
        }
      }
    }
  }
}

extension Node {
  /// An element type, or `nil` where the attribute is absent or names none.
  func declaredType(_ name: String) throws(OperatorError) -> ElementType? {
    let type = try elementType(name)
    return type == .undefined ? nil : type
  }
}
