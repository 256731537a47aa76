package import GraphIR
import Tensors

/// Y[i] = X[0] + … + X[i] along an axis.
///
/// Attributes: `exclusive` (0): without X[i]; `reverse` (0): from the end.
/// Shapes: X, Y [any]; axis [] or [1].
/// Precision: sums in order, in the element type; integers wrap around.
package struct CumSum: Operator {
  let isExclusive, isReversed: Bool

  package static let signature = OperatorSignature("CumSum", since: 11, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    isExclusive = try node.flag("exclusive", default: false)
    isReversed = try node.flag("reverse", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("CumSum", supports: type.elementType, type.elementType.isNumeric)
    let axis = try inputs[1]!.integers("axis")
    guard inputs[1]!.type.count == 1 else {
      throw OperatorError(
        .shapeMismatch, "axis: expected one element, got \(inputs[1]!.type.shape)")
    }
    if let axis { _ = try normalizedAxis(axis[0], rank: type.shape.count) }
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let axis = try normalizedAxis(inputs[1]!.integers[0], rank: inputs[0]!.shape.count)
    try computingInFloat([inputs[0]], outputs) { (inputs, outputs) throws(OperatorError) in
      add(inputs[0]!.elementType.numeric, inputs[0]!, outputs[0], axis: axis)
    }
  }

  private func add<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView, axis: Int
  ) {
    let (extent, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
    guard y.count > 0 else { return }
    let (source, target) = (x.start(as: Element.self), y.start(as: Element.self))
    for line in 0..<(y.count / extent) {
      let start = line / inner * extent * inner + line % inner
      var total = Element.zero
      for step in 0..<extent {
        let place = start + (isReversed ? extent - 1 - step : step) * inner
        let next = Element.sum(total, source[place])
        target[place] = isExclusive ? total : next
        total = next
      }
    }
  }
}
