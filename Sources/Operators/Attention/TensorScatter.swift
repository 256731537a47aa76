package import GraphIR
import Tensors

/// present_cache = past_cache with the update written over it, from each sample's write index on.
///
/// Shapes: past_cache and present_cache [B, …, M, …], update [B, …, S, …] with S at most M along `axis`,
/// write_indices [B] (zeros).
/// Attributes: axis (−2), mode ("linear": the update must fit, "circular": it goes on at the start).
/// Types: any whose elements fill whole bytes, up to eight; write_indices int64.
/// Source: ONNX TensorScatter-24.
package struct TensorScatter: Operator {
  package static let signature = OperatorSignature("TensorScatter", since: 24, inputs: 2...3)

  private let axis: Int
  private let isCircular: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -2)
    let mode = try node.text("mode", default: "linear")
    guard mode == "linear" || mode == "circular" else {
      throw OperatorError(
        .invalidAttribute, "mode: expected 'linear' or 'circular', got '\(mode)'")
    }
    isCircular = mode == "circular"
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (past, update) = (inputs[0]!.type, inputs[1]!.type)
    try expectMovable("TensorScatter", past)
    try expectSameType(past, update)
    let axis = try normalizedAxis(axis, rank: past.shape.count)
    var expected = past.shape
    if update.shape.count == expected.count { expected[axis] = update.shape[axis] }
    guard axis > 0, update.shape == expected, update.shape[axis] <= past.shape[axis] else {
      throw OperatorError(
        .shapeMismatch,
        "the update does not fit along axis \(axis), got \(past.shape) and \(update.shape)")
    }
    if let indices = inputs.input(2)?.type {
      guard indices.elementType == .int64, indices.shape == [past.shape[0]] else {
        throw OperatorError(
          .shapeMismatch, "write_indices: expected int64[\(past.shape[0])], got \(indices)")
      }
    }
    return .types([past])
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (past, update, y) = (inputs[0]!, inputs[1]!, outputs[0])
    guard y.count > 0 else { return }
    let axis = try normalizedAxis(axis, rank: y.shape.count)
    let (rows, length) = (update.shape[axis], y.shape[axis])
    let starts = inputs.input(2)?.integers ?? [Int](repeating: 0, count: y.shape[0])
    if let start = starts.first(where: { !isCircular && !(0...length - rows).contains($0) }) {
      throw OperatorError(
        .invalidValue, "write index \(start) leaves no room for \(rows) of \(length) places")
    }
    let row = y.shape[(axis + 1)...].reduce(1, *) * past.elementType.movableByteCount!
    let middle = y.shape[1..<axis].reduce(1, *)
    if past.bytePointer != UnsafeRawPointer(y.buffer) {
      y.buffer.copyMemory(from: past.bytePointer, byteCount: y.shape[0] * middle * length * row)
    }
    for (sample, start) in starts.enumerated() {
      let first = ((start % length) + length) % length
      // What fits before the end, and what goes on at the start.
      let before = min(rows, length - first)
      for block in sample * middle..<(sample + 1) * middle {
        let source = update.bytePointer + block * rows * row
        let target = y.buffer + block * length * row
        (target + first * row).copyMemory(from: source, byteCount: before * row)
        target.copyMemory(from: source + before * row, byteCount: (rows - before) * row)
      }
    }
  }
}
