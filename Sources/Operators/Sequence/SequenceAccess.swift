package import GraphIR
import Tensors

/// A sequence of the inputs.
///
/// Inputs: tensors of one element type.
/// Source: ONNX SequenceConstruct-11.
package struct SequenceConstruct: ValueOperator {
  package static let signature = OperatorSignature(
    "SequenceConstruct", since: 11, inputs: 1...Int.max)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    var elements: [RuntimeValue] = []
    for (index, value) in values.enumerated() {
      guard let value else { throw OperatorError(.arity, "input \(index) is missing") }
      try expectElement(value, of: elements)
      elements.append(value)
    }
    return [.sequence(elements)]
  }
}

/// A sequence of no elements.
///
/// Attributes: dtype, which says of what type they would be.
/// Source: ONNX SequenceEmpty-11.
package struct SequenceEmpty: ValueOperator {
  package static let signature = OperatorSignature("SequenceEmpty", since: 11, inputs: 0...0)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    _ = try node.elementType("dtype")
  }

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] { [.sequence([])] }
}

/// The element at a position, negative ones counting from the end.
///
/// Shapes: position [].
/// Throws: `OperatorError.invalidValue` where there is none.
/// Source: ONNX SequenceAt-11.
package struct SequenceAt: ValueOperator {
  package static let signature = OperatorSignature("SequenceAt", since: 11, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    let elements = try values[0]!.elements("input 0")
    let position = try values[1]!.scalar("position")
    return [elements[try place(position, in: elements.count)]]
  }
}

/// The sequence with an element more: at a position, else at the end.
///
/// Shapes: position [], from −n to n.
/// Throws: `OperatorError.invalidValue` where the position is outside, `.tooLarge` beyond 16384 elements:
/// each insertion takes time that grows with their number.
/// Source: ONNX SequenceInsert-11.
package struct SequenceInsert: ValueOperator {
  package static let signature = OperatorSignature("SequenceInsert", since: 11, inputs: 2...3)

  private static let largestCount = 1 << 14

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    var elements = try values[0]!.elements("input 0")
    let element = values[1]!
    try expectElement(element, of: elements)
    guard elements.count < Self.largestCount else {
      throw OperatorError(.tooLarge, "the sequence holds \(elements.count) elements already")
    }
    var position = elements.count
    if values.count > 2, let given = try values[2]?.scalar("position"), given != position {
      position = try place(given, in: elements.count)
    }
    elements.insert(element, at: position)
    return [.sequence(elements)]
  }
}

/// The sequence without the element at a position, else without the last.
///
/// Shapes: position [], negative ones counting from the end.
/// Throws: `OperatorError.invalidValue` where there is none.
/// Source: ONNX SequenceErase-11.
package struct SequenceErase: ValueOperator {
  package static let signature = OperatorSignature("SequenceErase", since: 11, inputs: 1...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    var elements = try values[0]!.elements("input 0")
    let position = values.count > 1 ? try values[1]?.scalar("position") : nil
    elements.remove(at: try place(position ?? -1, in: elements.count))
    return [.sequence(elements)]
  }
}

/// The number of elements.
///
/// Shapes: the result is int64 [].
/// Source: ONNX SequenceLength-11.
package struct SequenceLength: ValueOperator {
  package static let signature = OperatorSignature("SequenceLength", since: 11, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    [.tensor(Tensor([Int64(try values[0]!.elements("input 0").count)], shape: []))]
  }
}

/// The place that `position` names among `count` elements.
private func place(_ position: Int, in count: Int) throws(OperatorError) -> Int {
  guard position >= -count, position < count else {
    throw OperatorError(
      .invalidValue, "position \(position) is out of range for a sequence of \(count)")
  }
  return position < 0 ? position + count : position
}

/// - Throws: `OperatorError.typeMismatch` where a tensor would join tensors of another element type.
private func expectElement(
  _ value: RuntimeValue, of elements: [RuntimeValue]
) throws(OperatorError) {
  guard let first = elements.first else { return }
  switch (first, value) {
  case (.tensor(let a), .tensor(let b)): try expectSameType(ArrayType(a), ArrayType(b))
  case (.sequence, .sequence), (.optional, .optional): return
  default:
    throw OperatorError(
      .typeMismatch, "a sequence holds one kind of value, got \(first.kind) and \(value.kind)")
  }
}
