package import GraphIR
import Tensors

/// Runs `body` once for each element of the scan inputs along their axes.
///
/// The body takes the state values and one element of each scan input, and gives the state values and one
/// element of each scan output. The node gives the last state values, and the elements of each scan
/// output stacked along a new axis.
///
/// Attributes: body; num_scan_inputs; scan_input_axes, scan_output_axes (0); scan_input_directions,
/// scan_output_directions (0: forward, 1: backward).
/// Shapes: scan inputs of one length along their axes; state values keep theirs.
/// Source: ONNX Scan-9, 11, 16, 19, 21, 23, 24, 25.
package struct Scan: ControlFlowOperator {
  package static let signature = OperatorSignature(
    "Scan", since: 9, inputs: 1...Int.max, outputs: 1...Int.max)
  package static let bodyNames = ["body"]

  private let inputs: [Track]
  private let outputs: [Track]
  private let outputTypes: [TensorType?]
  private let stateCount: Int

  /// The way along one scan input or output.
  private struct Track {
    let axis: Int
    let isBackward: Bool
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let count = try node.integer("num_scan_inputs")
    guard (1...node.inputs.count).contains(count) else {
      throw OperatorError(
        .invalidAttribute,
        "attribute 'num_scan_inputs': expected 1 to \(node.inputs.count), got \(count)")
    }
    for index in node.inputs.indices where node.inputs[index] == nil {
      throw OperatorError(.arity, "input \(index) is missing")
    }
    stateCount = node.inputs.count - count
    guard node.outputs.count >= stateCount else {
      throw OperatorError(
        .arity, "expected at least \(stateCount) outputs, got \(node.outputs.count)")
    }
    inputs = try Self.tracks(node, "scan_input", count)
    outputs = try Self.tracks(node, "scan_output", node.outputs.count - stateCount)
    let body = try node.graph("body")
    guard body.inputs.count == node.inputs.count, body.outputs.count == node.outputs.count else {
      throw OperatorError(
        .arity,
        "expected a body of \(node.inputs.count) inputs and \(node.outputs.count) outputs, got "
          + "\(body.inputs.count) and \(body.outputs.count)")
    }
    outputTypes = body.outputs.dropFirst(stateCount).map { body[$0].declaration?.type?.tensor }
  }

  private static func tracks(
    _ node: Node, _ prefix: String, _ count: Int
  ) throws(OperatorError) -> [Track] {
    let axes = try node.integers("\(prefix)_axes") ?? [Int](repeating: 0, count: count)
    let directions = try node.integers("\(prefix)_directions") ?? [Int](repeating: 0, count: count)
    guard axes.count == count, directions.count == count,
      directions.allSatisfy({ $0 == 0 || $0 == 1 })
    else {
      throw OperatorError(
        .invalidAttribute,
        "expected \(prefix)_axes and \(prefix)_directions (0 or 1) of \(count) entries")
    }
    return zip(axes, directions).map { Track(axis: $0, isBackward: $1 == 1) }
  }

  package func infer(_ inputs: [Operand?], bodies: [BodyInference]) -> [ArrayType?] {
    var elements = inputs.prefix(stateCount).map { $0.map { Operand($0.type) } }
    var length: Int?
    for (input, track) in zip(inputs.dropFirst(stateCount), self.inputs) {
      guard let type = input?.type,
        let axis = try? normalizedAxis(track.axis, rank: type.shape.count)
      else { return [ArrayType?](repeating: nil, count: stateCount + outputs.count) }
      length = type.shape[axis]
      var element = type
      element.shape.remove(at: axis)
      elements.append(Operand(element))
    }
    let results = bodies[0](elements)
    let states = zip(elements.prefix(stateCount), results).map {
      $0?.type == $1?.type ? $0?.type : nil
    }
    let scans = zip(results.dropFirst(stateCount), outputs).map { result, track -> ArrayType? in
      guard var type = result?.type, let length, states.allSatisfy({ $0 != nil }),
        let axis = try? normalizedAxis(track.axis, rank: type.shape.count + 1)
      else { return nil }
      type.shape.insert(length, at: axis)
      return type
    }
    return states + scans
  }

  package func evaluate(
    _ values: [RuntimeValue?], bodies: [BodyEvaluation], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    let states = values.prefix(stateCount).map { $0! }
    var rest = maximumBytes
    var elements: [[Tensor]] = []
    for (index, (value, track)) in zip(values.dropFirst(stateCount), inputs).enumerated() {
      let tensor = try value!.tensor("scan input \(index)")
      let parts = try unstack(tensor, axis: track.axis, maximumBytes: rest)
      rest -= track.axis == 0 ? 0 : tensor.byteCount
      elements.append(track.isBackward ? parts.reversed() : parts)
    }
    let length = elements[0].count
    guard elements.allSatisfy({ $0.count == length }) else {
      throw OperatorError(
        .shapeMismatch, "expected scan inputs of one length, got \(elements.map(\.count))")
    }
    var iterations = Iterations(
      states: states, scanCount: outputs.count, maximumBytes: rest)
    for step in 0..<length {
      let results = try bodies[0](
        iterations.states + elements.map { .tensor($0[step]) }, iterations.rest)
      try iterations.take(results[...])
    }
    return try iterations.outputs(
      zip(outputTypes, outputs).map {
        StackedOutput(type: $0, axis: $1.axis, isBackward: $1.isBackward)
      })
  }
}
