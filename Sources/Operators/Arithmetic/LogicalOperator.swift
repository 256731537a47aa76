package import GraphIR
import Kernels
import Tensors

/// C = f(A, B) of truth values, with multidirectional broadcasting.
///
/// Shapes: A, B any two that broadcast; C their common shape.
package struct LogicalOperator<Definition: LogicalDefinition>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: 7, inputs: 2...2)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    for type in [a, b] {
      try expect(Definition.name, supports: type.elementType, type.elementType == .bool)
    }
    return .types([try ArrayType(.bool, broadcastShape(a.shape, b.shape)).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (a, b, c) = (inputs[0]!, inputs[1]!, outputs[0])
    Broadcast.map(
      a.start(as: UInt8.self), strides: a.strides(broadcastTo: c.shape),
      b.start(as: UInt8.self), strides: b.strides(broadcastTo: c.shape),
      into: c.start(as: UInt8.self), shape: c.shape
    ) { Definition.holds($0 != 0, $1 != 0) ? 1 : 0 }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0, 1] }
}

/// The connective that a `LogicalOperator` applies.
package protocol LogicalDefinition: Sendable {
  static var name: String { get }
  static func holds(_ x: Bool, _ y: Bool) -> Bool
}

/// x and y.
package enum And: LogicalDefinition {
  package static let name = "And"
  package static func holds(_ x: Bool, _ y: Bool) -> Bool { x && y }
}

/// x or y.
package enum Or: LogicalDefinition {
  package static let name = "Or"
  package static func holds(_ x: Bool, _ y: Bool) -> Bool { x || y }
}

/// Either x or y.
package enum Xor: LogicalDefinition {
  package static let name = "Xor"
  package static func holds(_ x: Bool, _ y: Bool) -> Bool { x != y }
}

/// Y = not X, element by element.
///
/// Shapes: X, Y [any], of truth values.
package struct Not: Operator {
  package static let signature = OperatorSignature("Not", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Not", supports: type.elementType, type.elementType == .bool)
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    Broadcast.map(
      x.start(as: UInt8.self), strides: x.strides, into: y.start(as: UInt8.self), shape: y.shape
    ) { $0 == 0 ? 1 : 0 }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0] }
}
