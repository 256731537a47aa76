package import GraphIR
import Tensors

/// Sequences of what `body` gives for each element of the input sequences.
///
/// Attributes: body. Inputs: a sequence, then sequences of the same length and tensors, which every
/// element is combined with.
/// Source: ONNX SequenceMap-17.
package struct SequenceMap: ControlFlowOperator {
  package static let signature = OperatorSignature(
    "SequenceMap", since: 17, inputs: 1...Int.max, outputs: 1...Int.max)
  package static let bodyNames = ["body"]

  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    outputCount = node.outputs.count
    let body = try node.graph("body")
    guard body.inputs.count == node.inputs.count, body.outputs.count == outputCount else {
      throw OperatorError(
        .arity,
        "expected a body of \(node.inputs.count) inputs and \(outputCount) outputs, got "
          + "\(body.inputs.count) and \(body.outputs.count)")
    }
    for index in node.inputs.indices where node.inputs[index] == nil {
      throw OperatorError(.arity, "input \(index) is missing")
    }
  }

  package func infer(_ inputs: [Operand?], bodies: [BodyInference]) -> [ArrayType?] {
    [ArrayType?](repeating: nil, count: outputCount)
  }

  package func evaluate(
    _ inputs: [RuntimeValue?], bodies: [BodyEvaluation], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    var inputs = inputs
    let first = try inputs[0]!.elements("input 0")
    let count = first.count
    inputs[0] = .sequence(first)
    for case .sequence(let elements)? in inputs where elements.count != count {
      throw OperatorError(
        .shapeMismatch, "expected sequences of \(count) elements, got one of \(elements.count)")
    }
    var results = [[RuntimeValue]](repeating: [], count: outputCount)
    var rest = maximumBytes
    for index in 0..<count {
      let arguments = inputs.map { input -> RuntimeValue in
        if case .sequence(let elements)? = input { elements[index] } else { input! }
      }
      for (output, value) in try bodies[0](arguments, rest).enumerated() {
        guard value.byteCount <= rest else {
          throw .tooLarge("the result", bytes: value.byteCount, allowed: rest)
        }
        rest -= value.byteCount
        results[output].append(value)
      }
    }
    return results.map { .sequence($0) }
  }
}
