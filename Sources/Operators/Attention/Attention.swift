package import GraphIR
import Tensors

/// Y = softmax(scale Q Kᵀ + bias) V, head by head.
///
/// The bias is the mask (−∞ where a boolean one is false, and behind a mask that is too short), −∞
/// where `is_causal`, the window or `nonpad_kv_seqlen` exclude a key. A row without keys is zero.
///
/// Shapes: Q [B, Hq, T, d], K [B, Hk, S, d], V [B, Hk, S, e], or as [B, T, Hq d] and so on, and Y like Q;
/// Hk divides Hq. attn_mask broadcasts to [B, Hq, T, P + S], but for a shorter last axis; past_key
/// [B, Hk, P, d], past_value [B, Hk, P, e], nonpad_kv_seqlen [B]. The optional outputs present_key
/// [B, Hk, P + S, d], present_value [B, Hk, P + S, e] and qk_matmul_output [B, Hq, T, P + S].
/// Attributes: scale (1 / √d), is_causal (0), softcap (0: none), qk_matmul_output_mode (0: the scores,
/// 1: capped, 2: with the bias, 3: the weights), q_num_heads and kv_num_heads of inputs of three axes,
/// softmax_precision, left_window_size and right_window_size (−1: unbounded).
/// Types: float16, bfloat16, float, double; the mask also bool.
/// Precision: computed in float, of double in double, whatever softmax_precision asks for.
/// Source: ONNX Attention-23, 24, 25.
package struct Attention: Operator {
  package static let signature = OperatorSignature(
    "Attention", since: 23, inputs: 3...7, outputs: 1...4)

  private let scale: Float?
  private let isCausal: Bool
  private let softcap: Float
  private let mode: Int
  private let queryHeads, keyHeads: Int?
  private let window: (left: Int, right: Int)
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    scale = try node.optionalNumber("scale")
    isCausal = try node.flag("is_causal", default: false)
    softcap = try node.number("softcap", default: 0)
    mode = try node.integer("qk_matmul_output_mode", default: 0)
    queryHeads = try node.heads("q_num_heads")
    keyHeads = try node.heads("kv_num_heads")
    window = (
      try node.integer("left_window_size", default: -1),
      try node.integer("right_window_size", default: -1)
    )
    outputCount = node.outputs.count
    if let precision = try node.elementType("softmax_precision"), !precision.isFloatingPoint {
      throw OperatorError(
        .invalidAttribute, "softmax_precision: expected a floating-point type, got \(precision)")
    }
    guard (0...3).contains(mode) else {
      throw OperatorError(.invalidAttribute, "qk_matmul_output_mode: expected 0 to 3, got \(mode)")
    }
    guard window.left >= -1, window.right >= -1 else {
      throw OperatorError(
        .invalidAttribute, "window: expected at least -1, got \(window.left) and \(window.right)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let extents = try AttentionExtents(types, queryHeads, keyHeads)
    let (q, v) = (types[0]!, types[2]!)
    for type in [q, types[1]!, v] + [types.input(4), types.input(5)].compactMap(\.self) {
      try expect("Attention", supports: type.elementType, type.elementType.isFloatingPoint)
      guard (type.elementType == .double) == (q.elementType == .double) else {
        throw OperatorError(
          .unsupported, "Attention of \(q.elementType) and \(type.elementType) is not supported")
      }
    }
    try expectSameType(q, types[1]!)
    if let mask = types.input(3) {
      try expect(
        "Attention", supports: mask.elementType,
        mask.elementType == .bool
          || (mask.elementType.isFloatingPoint
            && (mask.elementType == .double) == (q.elementType == .double))
      )
    }
    let heads = [extents.samples, extents.keyHeads, extents.total]
    let results = [
      ArrayType(
        q.elementType,
        extents.isFlat
          ? [extents.samples, extents.t, extents.heads * extents.e]
          : [extents.samples, extents.heads, extents.t, extents.e]),
      ArrayType(q.elementType, heads + [extents.d]), ArrayType(v.elementType, heads + [extents.e]),
      ArrayType(q.elementType, [extents.samples, extents.heads, extents.t, extents.total]),
    ]
    return .types(
      try results.prefix(outputCount).map { (type) throws(OperatorError) in try type.checked() })
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? AttentionExtents(inputs, queryHeads, keyHeads) else { return 0 }
    return saturatingProduct([
      extents.samples, extents.heads, extents.t, extents.total, saturatingSum(extents.d, extents.e),
    ])
  }

  /// The scores, then keys and values behind those of the past where they are no outputs.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? AttentionExtents(inputs, queryHeads, keyHeads) else { return 0 }
    let joined = saturatingSum(
      joinedCount(extents, 1, extents.d), joinedCount(extents, 2, extents.e))
    let count = saturatingSum(AttentionBlock.scoreCount(extents.t, extents.total), joined)
    return saturatingProduct([count, outputs[0].elementType.rowByteCount])
  }

  private func joinedCount(_ extents: AttentionExtents, _ output: Int, _ width: Int) -> Int {
    guard extents.past > 0, output >= outputCount else { return 0 }
    return saturatingProduct([extents.samples, extents.keyHeads, extents.total, width])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let extents = try AttentionExtents(inputs.map { $0?.type }, queryHeads, keyHeads)
    let lengths = inputs.input(6)?.integers
    if let length = lengths?.first(where: { !(0...extents.total).contains($0) }) {
      throw OperatorError(
        .invalidValue, "nonpad_kv_seqlen: expected 0 to \(extents.total), got \(length)")
    }
    guard outputs.contains(where: { $0.count > 0 }) else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      attend(extents, inputs, lengths, outputs, scratch, outputs[0].elementType.row)
    }
  }

  private func attend<Element: RowElement>(
    _ extents: AttentionExtents, _ inputs: [TensorView?], _ lengths: [Int]?,
    _ outputs: [MutableTensorView], _ scratch: UnsafeMutableRawBufferPointer, _ type: Element.Type
  ) {
    let (samples, heads, keyHeads) = (extents.samples, extents.heads, extents.keyHeads)
    let (t, d, e, total) = (extents.t, extents.d, extents.e, extents.total)
    var memory = scratch.baseAddress!.assumingMemoryBound(to: Element.self)
    let scores = memory
    memory += AttentionBlock.scoreCount(t, total)
    func joined(_ input: Int, _ width: Int) -> HeadMatrices<Element> {
      let new = HeadMatrices<Element>(
        base: inputs[input]!.pointer(), layout: extents.layout(keyHeads, extents.s, width))
      guard extents.past > 0 || outputs.count > input else { return new }
      let target: UnsafeMutablePointer<Element>
      if outputs.count > input {
        target = outputs[input].start()
      } else {
        target = memory
        memory += joinedCount(extents, input, width)
      }
      return new.appended(
        to: inputs.input(input + 3)?.pointer(), extents.past, samples: samples, heads: keyHeads,
        count: extents.s, width: width, in: target)
    }
    let (k, v) = (joined(1, d), joined(2, e))
    let bias = AttentionBias<Element>(
      mask: inputs.input(3), extents: [samples, heads, t, total],
      lengths: lengths, isCausal: isCausal, window: window,
      past: extents.pastCount)
    let seen: UnsafeMutablePointer<Element>? = outputs.count > 3 ? outputs[3].start() : nil
    HeadAttention<Element>(
      samples: samples, heads: heads, keyHeads: keyHeads, t: t, s: total, d: d, e: e,
      alpha: scale.map { Element($0) } ?? 1 / Element(max(d, 1)).squareRoot()
    ).evaluate(
      HeadMatrices(base: inputs[0]!.pointer(), layout: extents.layout(heads, t, d)), k, v,
      into: outputs[0].start(), extents.layout(heads, t, e), scores: scores
    ) { scores, sample, head, rows in
      func show(_ mode: Int) {
        guard let seen, mode == self.mode else { return }
        let place = (sample * heads + head) * t + rows.lowerBound
        (seen + place * total).update(from: scores, count: rows.count * total)
      }
      show(0)
      capScores(scores, count: rows.count * total, Element(softcap))
      show(1)
      let hasKeys = rows.map { row in
        bias.add(to: scores + (row - rows.lowerBound) * total, sample, head, row)
      }
      show(2)
      Element.softmax(scores, into: scores, rows: rows.count, count: total, scale: 1)
      for (row, hasKeys) in hasKeys.enumerated() where !hasKeys {
        (scores + row * total).update(repeating: 0, count: total)
      }
      show(3)
    }
  }
}

/// y = cap tanh(y / cap), where the cap is positive.
func capScores<Element: RowElement>(
  _ scores: UnsafeMutablePointer<Element>, count: Int, _ cap: Element
) {
  guard cap > 0 else { return }
  for index in 0..<count { scores[index] = cap * .hyperbolicTangent(scores[index] / cap) }
}
