package import GraphIR
import Kernels
import Tensors

/// The maximum of each window, and where it lies.
///
/// Shapes: x [N, C, spatial…]; y, indices [N, C, spatial…].
/// Attributes: auto_pad, ceil_mode, dilations, kernel_shape, pads, strides, storage_order (0): whether an
/// index counts a plane's elements row by row or, with 1, column by column.
/// An index counts from the start of x; it is that of the first of several equal elements, NaN being the
/// largest, and -1 for a window that lies in the padding.
/// Types: float, double, float16, bfloat16, int8, uint8.
/// Source: ONNX MaxPool-1, 8, 10, 11, 12, 22.
package struct MaxPool: Operator {
  package static let signature = OperatorSignature("MaxPool", inputs: 1...1, outputs: 1...2)

  private let attributes: SpatialAttributes
  private let outputCount: Int
  private let countsColumns: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    outputCount = node.outputs.count
    countsColumns = try node.flag("storage_order", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = inputs[0]!.type
    let isSupported = x.elementType.isFloatingPoint || [.int8, .uint8].contains(x.elementType)
    try expect("MaxPool", supports: x.elementType, isSupported)
    let y = try pooledType(x, try poolWindow(attributes, x).window)
    guard outputCount > 1 else { return .types([y]) }
    return .types([y, try ArrayType(.int64, y.shape).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let window = try poolWindow(attributes, inputs[0]!.type).window
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let (x, y) = (inputs[0]!, outputs[0])
      let indices = outputs.count > 1 ? outputs[1].start(as: Int64.self) : nil
      switch x.elementType {
      case .float where indices == nil && window.hasKernels:
        Pooling.maximum(
          x.pointer(of: Float.self), into: y.start(), planes: x.shape[0] * x.shape[1],
          window: window)
      case .float: maximum(Float.self, x, y, indices, window)
      case .double: maximum(Double.self, x, y, indices, window)
      case .int8: maximum(Int8.self, x, y, indices, window)
      default: maximum(UInt8.self, x, y, indices, window)
      }
      if let indices, countsColumns { countColumns(indices, y.count, window) }
    }
  }

  private func maximum<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView,
    _ indices: UnsafeMutablePointer<Int64>?, _ window: Window
  ) {
    let (source, target) = (x.start(as: Element.self), y.start(as: Element.self))
    let (inputs, outputs) = (window.inputCount, window.outputCount)
    target.update(repeating: .lowest, count: y.count)
    indices?.update(repeating: -1, count: y.count)
    window.forEachRun { _, output, input, count in
      for plane in 0..<x.shape[0] * x.shape[1] {
        for i in 0..<count {
          let (from, to) = (
            plane * inputs + input.start + i * input.step,
            plane * outputs + output.start + i * output.step
          )
          let (value, largest) = (source[from], target[to])
          if let indices {
            guard
              indices[to] < 0 || value > largest
                || (value.isNotANumber && !largest.isNotANumber)
            else { continue }
            (target[to], indices[to]) = (value, Int64(from))
          } else {
            target[to] = Element.maximum(largest, value)
          }
        }
      }
    }
  }

  /// Turns indices that count rows first into those that count columns first, within their planes.
  private func countColumns(
    _ indices: UnsafeMutablePointer<Int64>, _ count: Int, _ window: Window
  ) {
    let plane = window.inputCount
    for i in 0..<count where indices[i] >= 0 {
      var (rest, stride, result) = (Int(indices[i]) % plane, plane, 0)
      for extent in window.input.reversed() {
        stride /= extent
        result += rest % extent * stride
        rest /= extent
      }
      indices[i] += Int64(result - Int(indices[i]) % plane)
    }
  }
}
