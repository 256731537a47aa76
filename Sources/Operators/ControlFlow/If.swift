package import GraphIR
import Tensors

/// The outputs of `then_branch` where `cond` is true, else those of `else_branch`.
///
/// Attributes: then_branch, else_branch: graphs without inputs, with as many outputs as the node.
/// Shapes: cond [] or [1]; the outputs are the branch's, of any kind.
/// Source: ONNX If-1, 11, 13, 16, 19, 21, 23, 24, 25.
package struct If: ControlFlowOperator {
  package static let signature = OperatorSignature("If", inputs: 1...1, outputs: 1...Int.max)
  package static let bodyNames = ["then_branch", "else_branch"]

  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    outputCount = node.outputs.count
    for name in Self.bodyNames {
      let graph = try node.graph(name)
      guard graph.inputs.isEmpty else {
        throw OperatorError(
          .arity, "attribute '\(name)': expected no inputs, got \(graph.inputs.count)")
      }
      guard graph.outputs.count == outputCount else {
        throw OperatorError(
          .arity,
          "attribute '\(name)': expected \(outputCount) outputs, got \(graph.outputs.count)")
      }
    }
  }

  /// Those of the branch that a constant condition takes, else those that both branches agree on.
  package func infer(_ inputs: [Operand?], bodies: [BodyInference]) -> [ArrayType?] {
    if let value = inputs[0]?.value, let condition = try? RuntimeValue.tensor(value).scalar("cond")
    {
      return bodies[condition != 0 ? 0 : 1]([]).map { $0?.type }
    }
    return zip(bodies[0]([]), bodies[1]([])).map { $0?.type == $1?.type ? $0?.type : nil }
  }

  package func evaluate(
    _ inputs: [RuntimeValue?], bodies: [BodyEvaluation], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    try bodies[try inputs[0]!.scalar("cond") != 0 ? 0 : 1]([], maximumBytes)
  }
}
