package import GraphIR
import Tensors

/// Y = X in another element type.
///
/// Attributes: `to`. Before version 6 it is a name and not supported. `saturate` (1) from 19 and
/// `round_mode` ("up") from 24 on, for narrow floats.
/// Shapes: X, Y [any].
/// Types: all but strings and complex numbers.
/// Precision: as `convert` states.
/// Source: ONNX Cast-6, 9, 13, 19, 21, 23, 24, 25.
package struct Cast: Operator {
  let to: ElementType
  let narrowing: Narrowing

  package static let signature = OperatorSignature("Cast", since: 6, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let to = try node.elementType("to") else {
      throw OperatorError(.invalidAttribute, "attribute 'to' is missing")
    }
    self.to = to
    narrowing = try Narrowing(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([try castType("Cast", inputs[0]!.type, to: to)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try convert(inputs[0]!, into: outputs[0], narrowing)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
}

/// Y = X in the element type of `target`.
///
/// Attributes: `saturate`, `round_mode` as of `Cast`.
/// Shapes: X, Y, target [any].
/// Types and precision: as `Cast`.
/// Source: ONNX CastLike-15, 19, 21, 23, 24, 25.
package struct CastLike: Operator {
  let narrowing: Narrowing

  package static let signature = OperatorSignature("CastLike", since: 15, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    narrowing = try Narrowing(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([try castType("CastLike", inputs[0]!.type, to: inputs[1]!.type.elementType)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try convert(inputs[0]!, into: outputs[0], narrowing)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    input == 1 || hasUnitRuns(layout)
  }
}

private func castType(
  _ name: String, _ type: ArrayType, to target: ElementType
) throws(OperatorError) -> ArrayType {
  for type in [type.elementType, target] {
    try expect(name, supports: type, type.isConvertible)
  }
  return try ArrayType(target, type.shape).checked()
}
