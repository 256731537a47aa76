package import GraphIR
import Tensors

/// An optional value that holds the input, or an empty one where there is none.
///
/// Attributes: type, which says of what type an empty one would be.
/// Source: ONNX Optional-15, 28.
package struct OptionalOperator: ValueOperator {
  package static let signature = OperatorSignature("Optional", since: 15, inputs: 0...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] { [.optional(values.first ?? nil)] }
}

/// Whether there is an input that is no empty optional value.
///
/// Shapes: the result is bool [].
/// Source: ONNX OptionalHasElement-15, 18, 28.
package struct OptionalHasElement: ValueOperator {
  package static let signature = OperatorSignature("OptionalHasElement", since: 15, inputs: 0...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    let hasElement =
      switch values.first ?? nil {
      case nil, .optional(nil)?: false
      default: true
      }
    return [.tensor(Tensor([hasElement], shape: []))]
  }
}

/// What an optional value holds; any other value itself.
///
/// Throws: `OperatorError.invalidValue` where the optional value is empty.
/// Source: ONNX OptionalGetElement-15, 18, 28.
package struct OptionalGetElement: ValueOperator {
  package static let signature = OperatorSignature("OptionalGetElement", since: 15, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    guard case .optional(let held) = values[0]! else { return [values[0]!] }
    guard let held else { throw OperatorError(.invalidValue, "the optional value is empty") }
    return [held]
  }
}
