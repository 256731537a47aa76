package import GraphIR
import Tensors

/// Runs `body` up to `M` times, as long as its condition holds.
///
/// The body takes the iteration's number, the condition and the carried values, and gives the condition,
/// the carried values and one element of each scan output. The node gives the last carried values, and
/// the elements of each scan output stacked along a new first axis.
///
/// Attributes: body.
/// Shapes: M [] or [1]: without limit where absent; cond [] or [1]: true where absent; carried values of
/// any kind.
/// Throws: `OperatorError.invalidValue` after a million iterations.
/// Source: ONNX Loop-1, 11, 13, 16, 19, 21, 23, 24, 25.
package struct Loop: ControlFlowOperator {
  package static let signature = OperatorSignature(
    "Loop", inputs: 0...Int.max, outputs: 1...Int.max)
  package static let bodyNames = ["body"]

  /// Iterations after which it is taken to run without end.
  package var iterationLimit = 1_000_000
  /// Passes over the body after which inference gives up.
  private static let passLimit = 3

  private let carriedCount: Int
  private let outputCount: Int
  private let scanTypes: [TensorType?]

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    carriedCount = max(node.inputs.count - 2, 0)
    outputCount = node.outputs.count
    let body = try node.graph("body")
    guard body.inputs.count == carriedCount + 2, body.outputs.count == outputCount + 1,
      outputCount >= carriedCount
    else {
      throw OperatorError(
        .arity,
        "expected a body of \(carriedCount + 2) inputs and \(outputCount + 1) outputs, got "
          + "\(body.inputs.count) and \(body.outputs.count)")
    }
    scanTypes = body.outputs.dropFirst(carriedCount + 1).map { body[$0].declaration?.type?.tensor }
  }

  /// Those of carried values that an iteration leaves as they are. How often the body runs, nothing tells.
  package func infer(_ inputs: [Operand?], bodies: [BodyInference]) -> [ArrayType?] {
    var carried = inputs.dropFirst(2).map { $0.map { Operand($0.type) } }
    var isSettled = false
    // A type that changes makes others change: until none does.
    for _ in 0..<Self.passLimit where !isSettled {
      let results = bodies[0](
        [Operand(ArrayType(.int64, [])), Operand(ArrayType(.bool, []))] + carried)
      let kept = zip(carried, results.dropFirst()).map { $0?.type == $1?.type ? $0 : nil }
      isSettled = kept.map { $0?.type } == carried.map { $0?.type }
      carried = kept
    }
    return carried.map { isSettled ? $0?.type : nil } + scanTypes.map { _ in nil }
  }

  package func evaluate(
    _ inputs: [RuntimeValue?], bodies: [BodyEvaluation], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    let limit = try inputs.first??.scalar("M")
    var condition = try inputs.dropFirst().first??.scalar("cond") ?? 1
    var carried: [RuntimeValue] = []
    for (index, input) in inputs.dropFirst(2).enumerated() {
      guard let input else {
        throw OperatorError(.arity, "carried value \(index) is missing")
      }
      carried.append(input)
    }
    var iterations = Iterations(
      states: carried, scanCount: scanTypes.count, maximumBytes: maximumBytes)
    var iteration = 0
    while condition != 0, iteration < limit ?? .max {
      guard iteration < iterationLimit else {
        throw OperatorError(.invalidValue, "still runs after \(iteration) iterations")
      }
      let results = try bodies[0](
        [
          .tensor(Tensor([Int64(iteration)], shape: [])),
          .tensor(Tensor([condition != 0], shape: [])),
        ] + iterations.states, iterations.rest)
      condition = try results[0].scalar("the body's condition")
      try iterations.take(results.dropFirst())
      iteration += 1
    }
    return try iterations.outputs(scanTypes.map { StackedOutput(type: $0) })
  }
}
