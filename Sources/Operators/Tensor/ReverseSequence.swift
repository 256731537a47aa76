package import GraphIR
import Tensors

/// Y = X with the first elements of each sequence of a batch in reverse order, as many as its length.
///
/// Attributes: `time_axis` (0), `batch_axis` (1): one is 0, the other 1.
/// Shapes: X, Y [two axes, any]; sequence_lens [batch].
/// Types: those that fill 1, 2, 4 or 8 bytes; sequence_lens int64.
/// Throws: `OperatorError.invalidValue` where a length is beyond the time axis.
/// Source: ONNX ReverseSequence-10, 28.
package struct ReverseSequence: Operator {
  let timeAxis, batchAxis: Int

  package static let signature = OperatorSignature("ReverseSequence", since: 10, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    timeAxis = try node.integer("time_axis", default: 0)
    batchAxis = try node.integer("batch_axis", default: 1)
    guard Set([timeAxis, batchAxis]) == [0, 1] else {
      throw OperatorError(
        .invalidAttribute,
        "time_axis and batch_axis: expected 0 and 1, got \(timeAxis) and \(batchAxis)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, lengths) = (inputs[0]!.type, inputs[1]!.type)
    try expectMovable("ReverseSequence", type)
    guard type.shape.count >= 2 else {
      throw OperatorError(.shapeMismatch, "expected at least two axes, got \(type.shape)")
    }
    let expected = ArrayType(.int64, [type.shape[batchAxis]])
    guard lengths == expected else {
      throw OperatorError(.typeMismatch, "sequence_lens: expected \(expected), got \(lengths)")
    }
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let (steps, batch) = (x.shape[timeAxis], x.shape[batchAxis])
    let lengths = inputs[1]!.integers
    for length in lengths where length < 0 || length > steps {
      throw OperatorError(
        .invalidValue, "sequence_lens: expected at most \(steps), got \(length)")
    }
    guard y.count > 0 else { return }
    let row = x.shape[2...].reduce(1, *) * y.elementType.movableByteCount!
    for n in 0..<batch {
      for step in 0..<steps {
        let source = step < lengths[n] ? lengths[n] - 1 - step : step
        (y.buffer + place(n, step, x.shape) * row).copyMemory(
          from: x.bytePointer + place(n, source, x.shape) * row, byteCount: row)
      }
    }
  }

  private func place(_ n: Int, _ step: Int, _ shape: [Int]) -> Int {
    timeAxis == 0 ? step * shape[1] + n : n * shape[1] + step
  }
}
