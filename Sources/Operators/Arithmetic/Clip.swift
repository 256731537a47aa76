package import GraphIR
import Kernels
import Tensors

/// Y = min(max(X, low), high): where the limits cross, the upper one wins.
///
/// Attributes: `min`, `max` before version 11, inputs since; no limit where absent.
/// Shapes: X, Y [any]; min, max [].
package struct Clip: Operator {
  let limits: (low: Float, high: Float)?

  package static let signature = OperatorSignature("Clip", since: 6, inputs: 1...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    limits =
      opset >= 11
      ? nil
      : (
        try node.number("min", default: -.infinity), try node.number("max", default: .infinity)
      )
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Clip", supports: type.elementType, type.elementType.isNumeric)
    for case let limit? in inputs.dropFirst() {
      try expectSameType(type, limit.type)
      guard limit.type.shape == [] || limit.type.shape == [1] else {
        throw OperatorError(.shapeMismatch, "expected one element, got \(limit.type.shape)")
      }
    }
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      if inputs[0]!.elementType == .float {
        clip(Float.self, inputs, outputs[0])
      } else {
        clip(inputs[0]!.elementType.numeric, inputs, outputs[0])
      }
    }
  }

  private func clip<Element: NumericElement>(
    _ type: Element.Type, _ inputs: [TensorView?], _ y: MutableTensorView
  ) {
    func limit(_ index: Int, _ attribute: Float?, _ fallback: Element) -> Element {
      if let attribute { return Element(nearest: Double(attribute)) }
      guard index < inputs.count, let input = inputs[index] else { return fallback }
      return input.start(as: Element.self)[0]
    }
    let low = limit(1, limits?.low, Element.lowest)
    let high = limit(2, limits?.high, Element.highest)
    let x = inputs[0]!
    Broadcast.map(
      x.start(as: Element.self), strides: x.strides, into: y.start(as: Element.self),
      shape: y.shape
    ) { x in
      let raised = x < low ? low : x
      return raised > high ? high : raised
    }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0] }
}
