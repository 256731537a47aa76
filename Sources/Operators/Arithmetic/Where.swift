package import GraphIR
import Kernels
import Tensors

/// Z = X where the condition holds, else Y, with multidirectional broadcasting.
///
/// Shapes: condition, X, Y any three that broadcast; Z their common shape.
package struct Where: Operator {
  package static let signature = OperatorSignature("Where", since: 9, inputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (condition, x, y) = (inputs[0]!.type, inputs[1]!.type, inputs[2]!.type)
    guard condition.elementType == .bool else {
      throw OperatorError(.typeMismatch, "condition: expected bool, got \(condition.elementType)")
    }
    try expectSameType(x, y)
    try expect("Where", supports: x.elementType, x.elementType.movableByteCount != nil)
    let shape = try broadcastShape(broadcastShape(condition.shape, x.shape), y.shape)
    return .types([try ArrayType(x.elementType, shape).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let z = outputs[0]
    switch z.elementType.movableByteCount {
    case 1: select(UInt8.self, inputs, z)
    case 2: select(UInt16.self, inputs, z)
    case 4: select(UInt32.self, inputs, z)
    default: select(UInt64.self, inputs, z)
    }
  }

  private func select<Element>(
    _ type: Element.Type, _ inputs: [TensorView?], _ z: MutableTensorView
  ) {
    let (condition, x, y) = (inputs[0]!, inputs[1]!, inputs[2]!)
    Broadcast.map(
      condition.start(as: UInt8.self), strides: condition.strides(broadcastTo: z.shape),
      x.start(as: Element.self), strides: x.strides(broadcastTo: z.shape),
      y.start(as: Element.self), strides: y.strides(broadcastTo: z.shape),
      into: z.start(as: Element.self), shape: z.shape
    ) { $0 != 0 ? $1 : $2 }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [1, 2] }
}
