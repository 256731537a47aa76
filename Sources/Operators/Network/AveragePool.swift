package import GraphIR
import Kernels
import Tensors

/// The mean of each window.
///
/// Shapes: x [N, C, spatial…], y [N, C, spatial…].
/// Attributes: auto_pad, ceil_mode, count_include_pad (0), dilations, kernel_shape, pads, strides. A
/// window that ceil_mode lets reach beyond the padding counts nothing there.
/// Types: float, double; float16 and bfloat16, computed in float.
/// Source: ONNX AveragePool-1, 7, 10, 11, 19, 22.
package struct AveragePool: Operator {
  package static let signature = OperatorSignature("AveragePool", inputs: 1...1)

  private let attributes: SpatialAttributes
  private let countsPadding: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    countsPadding = try node.flag("count_include_pad", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = inputs[0]!.type
    try expect("AveragePool", supports: x.elementType, x.elementType.isFloatingPoint)
    return .types([try pooledType(x, try poolWindow(attributes, x).window)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let (window, padsEnd) = try poolWindow(attributes, inputs[0]!.type)
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let (x, y) = (inputs[0]!, outputs[0])
      let planes = x.shape[0] * x.shape[1]
      if x.elementType == .double {
        average(x.pointer(of: Double.self), into: y.start(), planes, window, padsEnd)
      } else if window.hasKernels {
        Pooling.average(
          x.pointer(of: Float.self), into: y.start(), planes: planes, window: window,
          countsPadding: countsPadding, padsEnd: padsEnd)
      } else {
        average(x.pointer(of: Float.self), into: y.start(), planes, window, padsEnd)
      }
    }
  }

  @inline(__always)
  private func average<Element: BinaryFloatingPoint>(
    _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, _ planes: Int,
    _ window: Window, _ padsEnd: [Int]
  ) {
    sumWindows(x, into: y, planes: planes, window) { $0 }
    let counts = Pooling.elementCounts(window, countsPadding: countsPadding, padsEnd: padsEnd)
    for plane in 0..<planes {
      let row = y + plane * counts.count
      for i in counts.indices { row[i] /= Element(counts[i]) }
    }
  }
}
