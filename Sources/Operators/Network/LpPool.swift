import Glibc
package import GraphIR
import Kernels
import Tensors

/// The p-norm of each window: (Σ |x|^p)^(1/p).
///
/// Shapes: x [N, C, spatial…], y [N, C, spatial…].
/// Attributes: p (2), auto_pad, ceil_mode, dilations, kernel_shape, pads, strides.
/// Types: float, double; float16 and bfloat16, computed in float.
/// Source: ONNX LpPool-2, 11, 18, 22.
package struct LpPool: Operator {
  package static let signature = OperatorSignature("LpPool", since: 2, inputs: 1...1)

  private let attributes: SpatialAttributes
  private let p: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    p = try positiveOrder(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = inputs[0]!.type
    try expect("LpPool", supports: x.elementType, x.elementType.isFloatingPoint)
    return .types([try pooledType(x, try poolWindow(attributes, x).window)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let window = try poolWindow(attributes, inputs[0]!.type).window
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      if inputs[0]!.elementType == .double {
        pool(Double.self, inputs[0]!, outputs[0], window)
      } else {
        pool(Float.self, inputs[0]!, outputs[0], window)
      }
    }
  }

  @inline(__always)
  private func pool<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView, _ window: Window
  ) {
    let (source, target) = (x.pointer(of: type), y.start(as: type))
    let planes = x.shape[0] * x.shape[1]
    switch p {
    case 1: sumWindows(source, into: target, planes: planes, window) { abs($0) }
    case 2: sumWindows(source, into: target, planes: planes, window) { $0 * $0 }
    default:
      sumWindows(source, into: target, planes: planes, window) {
        Element(pow(abs(Double($0)), Double(p)))
      }
    }
    guard p > 1 else { return }
    for i in 0..<y.count {
      target[i] =
        p == 2 ? target[i].squareRoot() : Element(pow(Double(target[i]), 1 / Double(p)))
    }
  }
}

/// The attribute `p` of a norm, which is 2 where absent.
func positiveOrder(_ node: Node) throws(OperatorError) -> Int {
  let p = try node.integer("p", default: 2)
  guard p > 0 else {
    throw OperatorError(.invalidAttribute, "attribute 'p' must be positive, got \(p)")
  }
  return p
}
