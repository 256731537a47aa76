package import GraphIR
package import Kernels
import Tensors

/// A function of two numbers of one type: what a `BinaryOperator` applies.
package protocol BinaryDefinition: Sendable {
  static var name: String { get }
  /// The kernel for `float`; `apply` where there is none.
  static var kernel: BinaryFunction? { get }
  /// Whether an integer zero may not be the second operand.
  static var divides: Bool { get }
  static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element
}

/// C = f(A, B), element by element, with multidirectional broadcasting.
///
/// Shapes: A, B any two that broadcast; C their common shape.
/// Precision: `float` and `double` round once; integers wrap around, and their division truncates.
/// Throws: `OperatorError.invalidValue` where an integer is divided by zero.
package struct BinaryOperator<Definition: BinaryDefinition>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: 7, inputs: 2...2)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    try expectSameType(a, b)
    try expect(
      Definition.name, supports: a.elementType, a.elementType.isNumeric)
    return .types([try ArrayType(a.elementType, broadcastShape(a.shape, b.shape)).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (a, b, c) = (inputs[0]!, inputs[1]!, outputs[0])
      if a.elementType == .float, let kernel = Definition.kernel {
        kernel.apply(
          a.start(), strides: a.strides(broadcastTo: c.shape), b.start(),
          strides: b.strides(broadcastTo: c.shape), into: c.start(), shape: c.shape)
      } else {
        try evaluate(a.elementType.numeric, a, b, c)
      }
    }
  }

  private func evaluate<Element: NumericElement>(
    _ type: Element.Type, _ a: TensorView, _ b: TensorView, _ c: MutableTensorView
  ) throws(OperatorError) {
    if Element.isInteger && Definition.divides { try expectNoZeros(type, b) }
    Broadcast.map(
      a.start(as: Element.self), strides: a.strides(broadcastTo: c.shape),
      b.start(as: Element.self), strides: b.strides(broadcastTo: c.shape),
      into: c.start(as: Element.self), shape: c.shape
    ) { Definition.apply($0, $1) }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0, 1] }
}

extension BinaryDefinition {
  package static var divides: Bool { false }
}

/// - Throws: `OperatorError.invalidValue` if an element is zero.
func expectNoZeros<Element: NumericElement>(
  _ type: Element.Type, _ view: TensorView
) throws(OperatorError) {
  let start = view.start(as: Element.self)
  var hasZero = false
  StridedLoop(shape: view.shape, strides: [view.strides]).forEachRun { places, _, count in
    for i in 0..<count where start[places[0].start + i * places[0].step] == Element.zero {
      hasZero = true
    }
  }
  if hasZero { throw OperatorError(.invalidValue, "an integer is divided by zero") }
}

/// x + y.
package enum Add: BinaryDefinition {
  package static let name = "Add"
  package static let kernel: BinaryFunction? = .add
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.sum(x, y)
  }
}

/// x - y.
package enum Sub: BinaryDefinition {
  package static let name = "Sub"
  package static let kernel: BinaryFunction? = .subtract
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.difference(x, y)
  }
}

/// x y.
package enum Mul: BinaryDefinition {
  package static let name = "Mul"
  package static let kernel: BinaryFunction? = .multiply
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.product(x, y)
  }
}

/// x / y; integers truncate toward zero.
package enum Div: BinaryDefinition {
  package static let name = "Div"
  package static let kernel: BinaryFunction? = .divide
  package static let divides = true
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    Element.quotient(x, y)
  }
}

/// x where x >= 0, else x y; y broadcasts to x.
package enum PRelu: BinaryDefinition {
  package static let name = "PRelu"
  package static let kernel: BinaryFunction? = .prelu
  package static func apply<Element: NumericElement>(_ x: Element, _ y: Element) -> Element {
    x < Element.zero ? Element.product(x, y) : x
  }
}
