package import GraphIR
package import Kernels
import Tensors

/// Y = f(… f(X0, X1) …, Xn), element by element, with multidirectional broadcasting.
///
/// Shapes: X0 … Xn any that broadcast; Y their common shape.
/// Precision: as the steps in order; `Mean` divides the sum once.
package struct VariadicOperator<Definition: VariadicDefinition>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: 6, inputs: 1...Int.max)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    for (index, input) in node.inputs.enumerated() where input == nil {
      throw OperatorError(.arity, "input \(index) is missing")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expect(Definition.name, supports: type.elementType, type.elementType.isNumeric)
    for input in inputs.dropFirst() {
      try expectSameType(type, input!.type)
      type.shape = try broadcastShape(type.shape, input!.type.shape)
    }
    return .types([try type.checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let y = outputs[0]
      StridedCopy.copy(
        inputs[0]!.bytePointer, strides: inputs[0]!.strides(broadcastTo: y.shape), into: y.buffer,
        shape: y.shape, elementSize: y.elementType.movableByteCount!)
      for x in inputs.dropFirst() {
        if y.elementType == .float {
          Definition.kernel.apply(
            y.start(), strides: y.view.strides, x!.start(),
            strides: x!.strides(broadcastTo: y.shape), into: y.start(), shape: y.shape)
        } else {
          accumulate(y.elementType.numeric, x!, into: y)
        }
      }
      if Definition.takesMean { divide(y.elementType.numeric, y, by: inputs.count) }
    }
  }

  private func accumulate<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, into y: MutableTensorView
  ) {
    Broadcast.map(
      UnsafePointer(y.start(as: Element.self)), strides: y.view.strides,
      x.start(as: Element.self), strides: x.strides(broadcastTo: y.shape),
      into: y.start(as: Element.self), shape: y.shape
    ) { Definition.apply($0, $1) }
  }

  private func divide<Element: NumericElement>(
    _ type: Element.Type, _ y: MutableTensorView, by count: Int
  ) {
    let elements = y.start(as: Element.self)
    let divisor = Element(wrapping: Int128(count))
    for index in 0..<y.count { elements[index] = Element.quotient(elements[index], divisor) }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
}

/// The step that a `VariadicOperator` repeats.
package protocol VariadicDefinition: Sendable {
  static var name: String { get }
  static var kernel: BinaryFunction { get }
  static var takesMean: Bool { get }
  static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element
}

extension VariadicDefinition {
  package static var takesMean: Bool { false }
}

/// The least element; NaN where any is.
package enum Min: VariadicDefinition {
  package static let name = "Min"
  package static let kernel = BinaryFunction.minimum
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.minimum(x, y)
  }
}

/// The greatest element; NaN where any is.
package enum Max: VariadicDefinition {
  package static let name = "Max"
  package static let kernel = BinaryFunction.maximum
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.maximum(x, y)
  }
}

/// X0 + … + Xn.
package enum Sum: VariadicDefinition {
  package static let name = "Sum"
  package static let kernel = BinaryFunction.add
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.sum(x, y)
  }
}

/// (X0 + … + Xn) / (n + 1).
package enum Mean: VariadicDefinition {
  package static let name = "Mean"
  package static let kernel = BinaryFunction.add
  package static let takesMean = true
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.sum(x, y)
  }
}
