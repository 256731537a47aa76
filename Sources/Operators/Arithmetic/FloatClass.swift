package import GraphIR
import Kernels
import Tensors

/// Y = whether X is not a number, element by element.
///
/// Shapes: X, Y [any].
package struct IsNaN: Operator {
  package static let signature = OperatorSignature("IsNaN", since: 9, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("IsNaN", supports: type.elementType, type.elementType.isFloatingPoint)
    return .types([ArrayType(.bool, type.shape)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try mapFloats(inputs, outputs) { $0.isNaN }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
}

/// Y = whether X is infinite, element by element.
///
/// Attributes: `detect_negative` (1), `detect_positive` (1): which infinities count.
/// Shapes: X, Y [any].
package struct IsInf: Operator {
  let detectsNegative, detectsPositive: Bool

  package static let signature = OperatorSignature("IsInf", since: 10, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    detectsNegative = try node.flag("detect_negative", default: true)
    detectsPositive = try node.flag("detect_positive", default: true)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("IsInf", supports: type.elementType, type.elementType.isFloatingPoint)
    return .types([ArrayType(.bool, type.shape)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (negative, positive) = (detectsNegative, detectsPositive)
    try mapFloats(inputs, outputs) { $0.isInfinite && ($0 < 0 ? negative : positive) }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
}

private func mapFloats(
  _ inputs: [TensorView?], _ outputs: [MutableTensorView], _ holds: (Double) -> Bool
) throws(OperatorError) {
  try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
    let (x, y) = (inputs[0]!, outputs[0])
    if x.elementType == .double {
      Broadcast.map(
        x.start(as: Double.self), strides: x.strides, into: y.start(as: UInt8.self), shape: y.shape
      ) { holds($0) ? 1 : 0 }
    } else {
      Broadcast.map(
        x.start(as: Float.self), strides: x.strides, into: y.start(as: UInt8.self), shape: y.shape
      ) { holds(Double($0)) ? 1 : 0 }
    }
  }
}
