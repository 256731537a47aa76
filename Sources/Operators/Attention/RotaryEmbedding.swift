package import GraphIR
import Tensors

/// Y = X with the leading elements of each head's row rotated by its position.
///
/// Shapes: X and Y [B, N, S, H], or [B, S, N H]; with position_ids [B, S] caches [positions, R / 2],
/// without them [B, S, R / 2].
/// Attributes: interleaved (0), num_heads of an X of three axes, rotary_embedding_dim R (0: H).
/// Types: float16, bfloat16, float; position_ids int64.
/// Precision: computed in float and rounded once.
/// Source: ONNX RotaryEmbedding-23.
package struct RotaryEmbedding: Operator {
  package static let signature = OperatorSignature("RotaryEmbedding", since: 23, inputs: 3...4)

  private let isInterleaved: Bool
  private let headCount: Int
  private let rotated: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    isInterleaved = try node.flag("interleaved", default: false)
    headCount = try node.integer("num_heads", default: 0)
    rotated = try node.integer("rotary_embedding_dim", default: 0)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = inputs[0]!.type
    try expect(
      "RotaryEmbedding", supports: x.elementType,
      x.elementType.isFloatingPoint && x.elementType != .double)
    let rotation = try rotation(x.shape)
    let (cos, sin) = (inputs[1]!.type, inputs[2]!.type)
    try expectSameType(x, cos)
    try expectSameType(x, sin)
    var lead = [rotation.samples, rotation.rows]
    if let positions = inputs.input(3)?.type {
      guard positions.elementType == .int64, positions.shape == lead else {
        throw OperatorError(
          .shapeMismatch, "position_ids: expected int64\(lead), got \(positions)")
      }
      lead = [cos.shape.first ?? 0]
    }
    guard cos.shape == lead + [rotation.pairs], sin.shape == cos.shape else {
      throw OperatorError(
        .shapeMismatch,
        "expected caches of shape \(lead + [rotation.pairs]), got \(cos.shape) and \(sin.shape)")
    }
    return .types([x])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let rotation = try rotation(outputs[0].shape)
    let positions = inputs.input(3)?.integers
    try checkPositions(positions ?? [], below: inputs[1]!.shape[0])
    let layout = rotation.layout(rank: outputs[0].shape.count)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      rotation.apply(
        inputs[0]!.pointer(), layout, into: outputs[0].start(), layout, cos: inputs[1]!.pointer(),
        sin: inputs[2]!.pointer()
      ) { sample, row in
        let place = sample * rotation.rows + row
        return positions?[place] ?? place
      }
    }
  }

  private func rotation(_ shape: [Int]) throws(OperatorError) -> Rotation {
    let (heads, rows, width): (Int, Int, Int)
    switch shape.count {
    case 4: (heads, rows, width) = (shape[1], shape[2], shape[3])
    case 3:
      guard headCount > 0, shape[2] % headCount == 0 else {
        throw OperatorError(
          .invalidAttribute, "num_heads: expected a divisor of \(shape[2]), got \(headCount)")
      }
      (heads, rows, width) = (headCount, shape[1], shape[2] / headCount)
    default:
      throw OperatorError(.shapeMismatch, "expected three or four axes, got \(shape)")
    }
    return Rotation(
      samples: shape[0], heads: heads, rows: rows, width: width,
      pairs: try Rotation.pairs(rotated: rotated, width: width), isInterleaved: isInterleaved)
  }
}
