package import GraphIR
import Tensors

/// Y[i] = X[0] + … + X[i], or the product, along an axis.
///
/// Attributes: `exclusive` (0): without X[i]; `reverse` (0): from the end.
/// Shapes: X, Y [any]; axis [] or [1].
/// Types: all numbers.
/// Precision: in order, in the element type, the halves in float; integers wrap around.
/// Source: ONNX CumSum-11, 14, CumProd-26.
package struct CumulativeOperator<Definition: CumulativeDefinition>: Operator {
  let isExclusive, isReversed: Bool

  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: Definition.since, inputs: 2...2)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    isExclusive = try node.flag("exclusive", default: false)
    isReversed = try node.flag("reverse", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(Definition.name, supports: type.elementType, type.elementType.isNumeric)
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
      switch outputs[0].elementType {
      case .float: accumulate(Float.self, inputs[0]!, outputs[0], axis: axis)
      case .int64: accumulate(Int64.self, inputs[0]!, outputs[0], axis: axis)
      default: accumulate(inputs[0]!.elementType.numeric, inputs[0]!, outputs[0], axis: axis)
      }
    }
  }

  private func accumulate<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView, axis: Int
  ) {
    guard y.count > 0 else { return }
    let (extent, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
    let (source, target) = (x.start(as: Element.self), y.start(as: Element.self))
    for line in 0..<(y.count / extent) {
      let start = line / inner * extent * inner + line % inner
      var total = Definition.neutral(Element.self)
      for step in 0..<extent {
        let place = start + (isReversed ? extent - 1 - step : step) * inner
        let next = Definition.apply(total, source[place])
        target[place] = isExclusive ? total : next
        total = next
      }
    }
  }
}

/// The step that a `CumulativeOperator` repeats.
package protocol CumulativeDefinition: Sendable {
  static var name: String { get }
  static var since: Int { get }
  static func neutral<Element: NumericElement>(_ type: Element.Type) -> Element
  static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element
}

/// The sum.
package enum CumSum: CumulativeDefinition {
  package static let name = "CumSum"
  package static let since = 11
  package static func neutral<Element: NumericElement>(_ type: Element.Type) -> Element { .zero }
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.sum(x, y)
  }
}

/// The product.
package enum CumProd: CumulativeDefinition {
  package static let name = "CumProd"
  package static let since = 26
  package static func neutral<Element: NumericElement>(_ type: Element.Type) -> Element { .one }
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.product(x, y)
  }
}
