package import GraphIR
import Tensors

/// Y = the bits of X, taken for elements of another type of the same width.
///
/// Attributes: `to`.
/// Shapes: X, Y [any].
/// Types: all but strings.
/// Source: ONNX BitCast-26.
package struct BitCast: Operator {
  let to: ElementType

  package static let signature = OperatorSignature("BitCast", since: 26, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let to = try node.elementType("to") else {
      throw OperatorError(.invalidAttribute, "attribute 'to' is missing")
    }
    self.to = to
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    for type in [type.elementType, to] {
      try expect("BitCast", supports: type, type.bitWidth != nil)
    }
    guard type.elementType.bitWidth == to.bitWidth else {
      throw OperatorError(
        .typeMismatch, "expected elements of the same width, got \(type.elementType) and \(to)")
    }
    return .types([ArrayType(to, type.shape)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    x.copy(into: MutableTensorView(x.elementType, x.shape, in: y.buffer))
  }

  package var overwritableInputs: [Int] { [0] }
}
