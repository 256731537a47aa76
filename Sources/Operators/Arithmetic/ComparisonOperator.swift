package import GraphIR
import Kernels
import Tensors

/// C = whether A and B stand in a relation, element by element, with multidirectional broadcasting.
///
/// Shapes: A, B any two that broadcast; C, of truth values, their common shape.
package struct ComparisonOperator<Definition: ComparisonDefinition>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: Definition.since, inputs: 2...2)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    try expectSameType(a, b)
    try expect(
      Definition.name, supports: a.elementType,
      a.elementType == .bool ? Definition.takesTruthValues : a.elementType.isNumeric)
    return .types([try ArrayType(.bool, broadcastShape(a.shape, b.shape)).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (a, b, c) = (inputs[0]!, inputs[1]!, outputs[0])
      switch a.elementType {
      case .float: compare(Float.self, a, b, c)
      case .int64: compare(Int64.self, a, b, c)
      default: compare(a.elementType.numeric, a, b, c)
      }
    }
  }

  private func compare<Element: NumericElement>(
    _ type: Element.Type, _ a: TensorView, _ b: TensorView, _ c: MutableTensorView
  ) {
    Broadcast.map(
      a.start(as: Element.self), strides: a.strides(broadcastTo: c.shape),
      b.start(as: Element.self), strides: b.strides(broadcastTo: c.shape),
      into: c.start(as: UInt8.self), shape: c.shape
    ) { Definition.holds($0, $1) ? 1 : 0 }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
}

/// The relation that a `ComparisonOperator` tests.
package protocol ComparisonDefinition: Sendable {
  static var name: String { get }
  static var since: Int { get }
  static var takesTruthValues: Bool { get }
  static func holds<Element: Comparable>(_ x: Element, _ y: Element) -> Bool
}

extension ComparisonDefinition {
  package static var since: Int { 7 }
  package static var takesTruthValues: Bool { false }
}

/// x = y.
package enum Equal: ComparisonDefinition {
  package static let name = "Equal"
  package static let takesTruthValues = true
  package static func holds<Element: Comparable>(_ x: Element, _ y: Element) -> Bool { x == y }
}

/// x > y.
package enum Greater: ComparisonDefinition {
  package static let name = "Greater"
  package static func holds<Element: Comparable>(_ x: Element, _ y: Element) -> Bool { x > y }
}

/// x < y.
package enum Less: ComparisonDefinition {
  package static let name = "Less"
  package static func holds<Element: Comparable>(_ x: Element, _ y: Element) -> Bool { x < y }
}

/// x >= y.
package enum GreaterOrEqual: ComparisonDefinition {
  package static let name = "GreaterOrEqual"
  package static let since = 12
  package static func holds<Element: Comparable>(_ x: Element, _ y: Element) -> Bool { x >= y }
}

/// x <= y.
package enum LessOrEqual: ComparisonDefinition {
  package static let name = "LessOrEqual"
  package static let since = 12
  package static func holds<Element: Comparable>(_ x: Element, _ y: Element) -> Bool { x <= y }
}
