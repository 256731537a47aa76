package import GraphIR
import Tensors

/// `Scan` over axis 1 of batches: the body runs for each element of each sample's sequence.
///
/// Attributes: body; num_scan_inputs; directions (0: forward, 1: backward) of the scan inputs.
/// Shapes: sequence_lens [batch], or absent; state values [batch, …]; scan inputs and outputs
/// [batch, length, …]. Outputs are zero behind a sequence's end.
/// Source: ONNX Scan-8.
package struct Scan8: ControlFlowOperator {
  package static let signature = OperatorSignature(
    "Scan", since: 8, through: 8, inputs: 2...Int.max, outputs: 1...Int.max, optional: [0])
  package static let bodyNames = ["body"]

  private let stateCount: Int
  private let isBackward: [Bool]
  private let outputTypes: [TensorType?]

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let count = try node.integer("num_scan_inputs")
    guard (1..<node.inputs.count).contains(count) else {
      throw OperatorError(
        .invalidAttribute,
        "attribute 'num_scan_inputs': expected 1 to \(node.inputs.count - 1), got \(count)")
    }
    for index in 1..<node.inputs.count where node.inputs[index] == nil {
      throw OperatorError(.arity, "input \(index) is missing")
    }
    let states = node.inputs.count - 1 - count
    let directions = try node.integers("directions") ?? [Int](repeating: 0, count: count)
    guard directions.count == count, directions.allSatisfy({ $0 == 0 || $0 == 1 }) else {
      throw OperatorError(.invalidAttribute, "expected directions (0 or 1) of \(count) entries")
    }
    let body = try node.graph("body")
    guard node.outputs.count >= states, body.inputs.count == states + count,
      body.outputs.count == node.outputs.count
    else {
      throw OperatorError(
        .arity,
        "expected a body of \(states + count) inputs and \(node.outputs.count) outputs, got "
          + "\(body.inputs.count) and \(body.outputs.count)")
    }
    (stateCount, isBackward) = (states, directions.map { $0 == 1 })
    outputTypes = body.outputs.map { body[$0].declaration?.type?.tensor }
  }

  package func infer(_ inputs: [Operand?], bodies: [BodyInference]) -> [ArrayType?] {
    outputTypes.map { _ in nil }
  }

  package func evaluate(
    _ values: [RuntimeValue?], bodies: [BodyEvaluation], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    var inputs: [[Tensor]] = []
    for (index, value) in values.enumerated().dropFirst() {
      let tensor = try value!.tensor("input \(index)")
      inputs.append(try unstack(tensor, axis: 0, maximumBytes: maximumBytes))
    }
    let batch = inputs[0].count
    guard inputs.allSatisfy({ $0.count == batch }) else {
      throw OperatorError(.shapeMismatch, "expected one batch, got \(inputs.map(\.count))")
    }
    var lengths: [Int]?
    if let given = try values[0]?.tensor("sequence_lens") {
      lengths = given.integers
      guard lengths?.count == batch else {
        throw OperatorError(
          .shapeMismatch, "sequence_lens: expected \(batch) integers, got \(ArrayType(given))")
      }
    }
    var results = outputTypes.map { _ in [Tensor]() }
    var rest = maximumBytes
    for sample in 0..<batch {
      let given = inputs.map { $0[sample] }
      let outputs = try evaluate(given, length: lengths?[sample], bodies[0], rest)
      for (index, output) in outputs.enumerated() {
        rest -= output.byteCount
        results[index].append(output)
      }
      guard rest >= 0 else {
        throw .tooLarge("the result", bytes: maximumBytes - rest, allowed: maximumBytes)
      }
    }
    var stacked: [RuntimeValue] = []
    for (result, type) in zip(results, outputTypes) {
      let tensor = try stack(result, declared: type, axis: 0, maximumBytes: rest)
      rest -= tensor.byteCount
      stacked.append(.tensor(tensor))
    }
    return stacked
  }

  /// The outputs of one sample.
  private func evaluate(
    _ inputs: [Tensor], length: Int?, _ body: BodyEvaluation, _ maximumBytes: Int
  ) throws(OperatorError) -> [Tensor] {
    let states = inputs.prefix(stateCount).map { RuntimeValue.tensor($0) }
    var elements: [[Tensor]] = []
    for input in inputs.dropFirst(stateCount) {
      elements.append(try unstack(input, axis: 0, maximumBytes: maximumBytes))
    }
    let longest = elements[0].count
    let length = length ?? longest
    guard elements.allSatisfy({ $0.count == longest }), (0...longest).contains(length) else {
      throw OperatorError(
        .shapeMismatch,
        "expected scan inputs of one length of at least \(length), got \(elements.map(\.count))")
    }
    var iterations = Iterations(
      states: states, scanCount: outputTypes.count - stateCount, maximumBytes: maximumBytes)
    for step in 0..<length {
      let current = zip(elements, isBackward).map { $1 ? $0[length - 1 - step] : $0[step] }
      try iterations.take(
        try body(iterations.states + current.map { .tensor($0) }, iterations.rest)[...])
    }
    var outputs: [Tensor] = []
    for state in iterations.states { outputs.append(try state.tensor("a state value")) }
    for (scan, type) in zip(iterations.scans, outputTypes.dropFirst(stateCount)) {
      let padding = scan.first.map { [Tensor](repeating: $0.zeros, count: longest - length) } ?? []
      outputs.append(
        try stack(scan + padding, declared: type, axis: 0, maximumBytes: iterations.rest))
    }
    return outputs
  }
}

extension Tensor {
  /// As many zeros of the same type.
  fileprivate var zeros: Tensor {
    let storage = ByteStorage.allocate(byteCount: byteCount) { bytes in
      _ = bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
    do throws(TensorError) {
      return try Tensor(elementType, shape: shape, region: ByteRegion(storage))
    } catch { preconditionFailure(error.message) }
  }
}
