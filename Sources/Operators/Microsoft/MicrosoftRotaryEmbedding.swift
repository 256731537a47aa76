package import GraphIR
import Tensors

/// Y = X with the leading elements of each head's row rotated by its position.
///
/// Shapes: X and Y [B, N, S, H], or [B, S, N H]; position_ids [B, S], or [1]: the first row's position;
/// caches [positions, R / 2].
/// Attributes: interleaved (0), rotary_embedding_dim R (0: the whole head, as wide as the caches tell),
/// num_heads where R is given and X has three axes; scale and is_packed_batching only as 1 and 0.
/// Types: float16, bfloat16, float; position_ids int64.
/// Precision: computed in float and rounded once.
/// Source: onnxruntime's RotaryEmbedding-1.
package struct MicrosoftRotaryEmbedding: Operator {
  package static let signature = OperatorSignature(
    "RotaryEmbedding", domain: MicrosoftDomain.name, inputs: 4...4)

  private let isInterleaved: Bool
  private let headCount, rotated: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    isInterleaved = try node.flag("interleaved", default: false)
    headCount = try node.integer("num_heads", default: 0)
    rotated = try node.integer("rotary_embedding_dim", default: 0)
    guard try node.number("scale", default: 1) == 1,
      try !node.flag("is_packed_batching", default: false)
    else {
      throw OperatorError(.unsupported, "scaled or packed rotary embedding is not supported")
    }
    guard rotated >= 0, headCount >= 0 else {
      throw OperatorError(
        .invalidAttribute, "expected no negative sizes, got \(headCount) and \(rotated)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, positions) = (inputs[0]!.type, inputs[1]!.type)
    let (cos, sin) = (inputs[2]!.type, inputs[3]!.type)
    try expect(
      "RotaryEmbedding", supports: x.elementType,
      x.elementType.isFloatingPoint && x.elementType != .double)
    try expectSameType(x, cos)
    try expectSameType(x, sin)
    guard cos.shape.count == 2, sin.shape == cos.shape else {
      throw OperatorError(
        .shapeMismatch, "expected caches of two equal axes, got \(cos.shape) and \(sin.shape)")
    }
    let rotation = try rotation(x.shape, cos.shape)
    guard cos.shape[1] == rotation.pairs else {
      throw OperatorError(
        .shapeMismatch, "expected caches of \(rotation.pairs) columns, got \(cos.shape)")
    }
    guard positions.elementType == .int64,
      positions.shape == [1] || positions.shape == [rotation.samples, rotation.rows]
    else {
      throw OperatorError(
        .shapeMismatch,
        "position_ids: expected int64\([rotation.samples, rotation.rows]), got \(positions)")
    }
    return .types([x])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let cache = inputs[2]!.shape
    let rotation = try rotation(outputs[0].shape, cache)
    let positions = inputs[1]!.integers
    let isFirst = inputs[1]!.shape.count == 1
    try checkPositions(positions, below: cache[0])
    if isFirst, positions[0] > cache[0] - rotation.rows {
      throw OperatorError(
        .invalidValue,
        "\(rotation.rows) positions from \(positions[0]) are outside a cache of \(cache[0]) rows")
    }
    let layout = rotation.layout(rank: outputs[0].shape.count)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      rotation.apply(
        inputs[0]!.pointer(), layout, into: outputs[0].start(), layout, cos: inputs[2]!.pointer(),
        sin: inputs[3]!.pointer()
      ) { isFirst ? positions[0] + $1 : positions[$0 * rotation.rows + $1] }
    }
  }

  private func rotation(_ shape: [Int], _ cache: [Int]) throws(OperatorError) -> Rotation {
    let (heads, rows, width): (Int, Int, Int)
    switch shape.count {
    case 4: (heads, rows, width) = (shape[1], shape[2], shape[3])
    case 3:
      rows = shape[1]
      let (whole, overflow) = cache[1].multipliedReportingOverflow(by: 2)
      width = rotated == 0 && !overflow ? whole : headCount == 0 ? 0 : shape[2] / headCount
      guard width > 0, shape[2] % width == 0, rotated == 0 || shape[2] % headCount == 0 else {
        throw OperatorError(
          .shapeMismatch, "expected whole heads in \(shape), got \(headCount) and caches \(cache)")
      }
      heads = shape[2] / width
    default:
      throw OperatorError(.shapeMismatch, "expected three or four axes, got \(shape)")
    }
    return Rotation(
      samples: shape[0], heads: heads, rows: rows, width: width,
      pairs: try Rotation.pairs(rotated: rotated, width: width), isInterleaved: isInterleaved)
  }
}
