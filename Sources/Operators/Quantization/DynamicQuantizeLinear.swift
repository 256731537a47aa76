package import GraphIR
import Tensors

/// y = saturate(round(x / y_scale) + y_zero_point), where the scale is the width of the range of x and
/// zero, over 255.
///
/// Shapes: x, y [any]; y_scale, y_zero_point [].
/// Types: x, y_scale float; y, y_zero_point uint8.
/// Precision: as `DynamicRange` and `IntegerRange` state.
/// Source: ONNX DynamicQuantizeLinear-11.
package struct DynamicQuantizeLinear: Operator {
  package static let signature = OperatorSignature(
    "DynamicQuantizeLinear", since: 11, inputs: 1...1, outputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = inputs[0]!.type
    try expect("DynamicQuantizeLinear", supports: x.elementType, x.elementType == .float)
    return .types([ArrayType(.uint8, x.shape), ArrayType(.float, []), ArrayType(.uint8, [])])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let x = inputs[0]!
    let range = DynamicRange(x.start(), count: x.count)
    range.quantize(x.start(), into: outputs[0].start(), count: x.count)
    outputs[1].start(as: Float.self).pointee = range.scale
    outputs[2].start(as: UInt8.self).pointee = UInt8(range.zero)
  }
}

/// The scale and zero point that spread the numbers at hand, and zero, over eight bits.
///
/// Precision: float, as onnxruntime computes: scale = (max - min) / 255, or 1 where all numbers are zero,
/// zero point = round(-min / scale), ties to even. NaN takes no part in the range.
struct DynamicRange {
  let scale: Float
  let zero: Int32

  init(_ x: UnsafePointer<Float>, count: Int) {
    var (low, high): (Float, Float) = (0, 0)
    for i in 0..<count {
      low = x[i] < low ? x[i] : low
      high = x[i] > high ? x[i] : high
    }
    scale = low == high ? 1 : (high - low) / 255
    zero = IntegerRange(low: 0, high: 255).nearest(-low / scale, zero: 0)
  }

  func quantize(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<UInt8>, count: Int) {
    let range = IntegerRange(low: 0, high: 255)
    for i in 0..<count {
      y[i] = UInt8(truncatingIfNeeded: range.nearest(x[i] / scale, zero: zero))
    }
  }
}
