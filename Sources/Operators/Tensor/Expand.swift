package import GraphIR
import Tensors

/// Y = X, repeated by multidirectional broadcasting with a given shape.
///
/// Shapes: X [any]; shape [n], which may also be smaller than X along an axis where it is 1.
package struct Expand: ViewOperator {
  package static let signature = OperatorSignature("Expand", since: 8, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    guard let shape = try inputs[1]!.integers("shape") else { return .dependsOnContents }
    return .types([
      try ArrayType(type.elementType, broadcastShape(type.shape, shape)).checked()
    ])
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard let shape = operands[1]?.value?.integers,
      let target = try? broadcastShape(input.shape, shape)
    else { return nil }
    return input.broadcast(to: target).map { [$0] }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try copyViews(inputs, outputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
}
