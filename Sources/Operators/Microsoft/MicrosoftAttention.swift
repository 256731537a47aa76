package import GraphIR
import Kernels
import Tensors

/// output = softmax(scale Q Kᵀ + bias) V, head by head, of Q, K and V that one product projects.
///
/// Shapes: input [B, S, I], weights [I, Dq + Dk + Dv], bias [Dq + Dk + Dv]; mask_index as `KeyMask` has it,
/// of T = P + S keys; past and present [2, B, N, ·, Dk / N], keys and then values; attention_bias
/// [B or 1, N or 1, S, T]; output [B, S, Dv].
/// Attributes: num_heads N, qkv_hidden_sizes (thirds), scale (1 / √(Dk / N)), unidirectional (0),
/// mask_filter_value (−10000); do_rotary and past_present_share_buffer only as 0.
/// Types: float16, bfloat16, float; mask_index int32.
/// Precision: computed in float and rounded once.
/// Source: onnxruntime's Attention-1.
package struct MicrosoftAttention: Operator {
  package static let signature = OperatorSignature(
    "Attention", domain: MicrosoftDomain.name, inputs: 2...7, outputs: 1...2)

  private let heads: Int
  private let sizes: [Int]?
  private let scale: Float?
  private let filter: Float
  private let isUnidirectional: Bool
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let heads = try node.heads("num_heads") else {
      throw OperatorError(.invalidAttribute, "attribute 'num_heads' is missing")
    }
    self.heads = heads
    sizes = try node.integers("qkv_hidden_sizes").flatMap { $0.isEmpty ? nil : $0 }
    scale = try node.optionalNumber("scale").flatMap { $0 == 0 ? nil : $0 }
    filter = try node.number("mask_filter_value", default: -10000)
    isUnidirectional = try node.flag("unidirectional", default: false)
    outputCount = node.outputs.count
    for name in ["do_rotary", "past_present_share_buffer"]
    where try node.flag(name, default: false) {
      throw OperatorError(.unsupported, "Attention with '\(name)' is not supported")
    }
    if node.inputs.input(6) != nil {
      throw OperatorError(.unsupported, "Attention with 'past_sequence_length' is not supported")
    }
  }

  /// How the inputs fit together.
  private struct Extents {
    let samples, steps, input, past: Int
    /// The widths of Q or K, and of V.
    let width, valueWidth: Int
    var total: Int { past + steps }
    var projected: Int { 2 * width + valueWidth }
  }

  private func extents(_ inputs: [ArrayType?]) throws(OperatorError) -> Extents {
    let (x, w) = (inputs[0]!.shape, inputs[1]!.shape)
    guard x.count == 3, w.count == 2, w[0] == x[2] else {
      throw OperatorError(.shapeMismatch, "input and weights do not fit, got \(x) and \(w)")
    }
    let sizes = sizes ?? [w[1] / 3, w[1] / 3, w[1] / 3]
    guard sizes.count == 3, sizes.allSatisfy({ $0 >= 0 && $0 <= w[1] && $0 % heads == 0 }),
      sizes[0] == sizes[1], saturatingSum(saturatingProduct([2, sizes[0]]), sizes[2]) == w[1]
    else {
      throw OperatorError(
        .shapeMismatch, "expected \(w[1]) columns for Q, K and V of \(heads) heads, got \(sizes)")
    }
    var past = 0
    if let shape = inputs.input(4)?.shape {
      guard sizes[2] == sizes[0], shape.count == 5,
        shape == [2, x[0], heads, shape[3], sizes[0] / heads]
      else {
        throw OperatorError(
          .shapeMismatch,
          "past: expected [2, \(x[0]), \(heads), ·, \(sizes[0] / heads)], got \(shape)")
      }
      past = shape[3]
    }
    let total = saturatingSum(past, x[1])
    try checkProducts([x[0], x[1], w[1]], [2, x[0], total, w[1]], [x[0], heads, x[1], total])
    return Extents(
      samples: x[0], steps: x[1], input: x[2], past: past, width: sizes[0], valueWidth: sizes[2])
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let type = types[0]!
    try expect(
      "Attention", supports: type.elementType,
      type.elementType.isFloatingPoint && type.elementType != .double)
    for index in [1, 2, 4] { if let other = types.input(index) { try expectSameType(type, other) } }
    let extents = try extents(types)
    if let bias = types.input(2)?.shape, bias != [extents.projected] {
      throw OperatorError(
        .shapeMismatch, "expected a bias of shape [\(extents.projected)], got \(bias)")
    }
    _ = try KeyMask.form(
      types.input(3), samples: extents.samples, queries: extents.steps, total: extents.total)
    try KeyMask.check(
      bias: types.input(5), like: type,
      [extents.samples, heads, extents.steps, extents.total])
    guard outputCount == 1 || extents.width == extents.valueWidth else {
      throw OperatorError(.shapeMismatch, "a present state needs keys as wide as values")
    }
    let results = [
      ArrayType(type.elementType, [extents.samples, extents.steps, extents.valueWidth]),
      ArrayType(
        type.elementType, [2, extents.samples, heads, extents.total, extents.width / heads]),
    ]
    return .types(
      try results.prefix(outputCount).map { (type) throws(OperatorError) in try type.checked() })
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? extents(inputs) else { return 0 }
    let rows = saturatingProduct([extents.samples, extents.steps])
    return saturatingSum(
      saturatingProduct([rows, extents.input, extents.projected]),
      saturatingProduct([rows, extents.total, saturatingSum(extents.width, extents.valueWidth)]))
  }

  /// The projections, the scores, then keys and values behind the past's where they are no output.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? extents(inputs) else { return 0 }
    let count = saturatingSum(
      saturatingSum(
        projectedCount(extents), AttentionBlock.scoreCount(extents.steps, extents.total)),
      saturatingProduct([2, joinedCount(extents)]))
    return saturatingProduct([count, MemoryLayout<Float>.stride])
  }

  private func projectedCount(_ extents: Extents) -> Int {
    saturatingProduct([extents.samples, extents.steps, extents.projected])
  }

  private func joinedCount(_ extents: Extents) -> Int {
    guard extents.past > 0, outputCount == 1 else { return 0 }
    return saturatingProduct([extents.samples, extents.total, extents.width])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs.contains(where: { $0.count > 0 }) else { return }
    let extents = try extents(inputs.map { $0?.type })
    let mask = try KeyMask(
      inputs.input(3)?.type, filter: filter, isUnidirectional: isUnidirectional,
      samples: extents.samples, queries: extents.steps, past: extents.past, total: extents.total)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      attend(extents, inputs, outputs, mask, scratch)
    }
  }

  private func attend(
    _ extents: Extents, _ inputs: [TensorView?], _ outputs: [MutableTensorView], _ mask: KeyMask,
    _ scratch: UnsafeMutableRawBufferPointer
  ) {
    let (samples, steps, past) = (extents.samples, extents.steps, extents.past)
    let (total, columns) = (extents.total, extents.projected)
    let (d, e) = (extents.width / heads, extents.valueWidth / heads)
    let projected = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    let scores = projected + projectedCount(extents)
    Gemm.sgemm(
      m: samples * steps, n: columns, k: extents.input,
      a: MatrixView(inputs[0]!.pointer(), leadingDimension: max(extents.input, 1)),
      b: MatrixView(inputs[1]!.pointer(), leadingDimension: max(columns, 1)), c: projected,
      ldc: max(columns, 1))
    Epilogue(columnBias: inputs.input(2)?.pointer())
      .apply(to: projected, stride: columns, rows: samples * steps, columns: columns)
    func part(_ start: Int, _ width: Int) -> HeadMatrices<Float> {
      HeadMatrices(
        base: UnsafePointer(projected),
        layout: HeadLayout(sample: steps * columns, head: width, row: columns, start: start))
    }
    var (k, v) = (part(extents.width, d), part(2 * extents.width, e))
    if outputs.count > 1 || past > 0 {
      let size = samples * heads * total * d
      let target =
        outputs.count > 1
        ? outputs[1].start(as: Float.self) : scores + AttentionBlock.scoreCount(steps, total)
      let old: UnsafePointer<Float>? = inputs.input(4)?.pointer()
      k = k.appended(
        to: old, past, samples: samples, heads: heads, count: steps, width: d, in: target)
      v = v.appended(
        to: old.map { $0 + samples * heads * past * d }, past, samples: samples, heads: heads,
        count: steps, width: d, in: target + size)
    }
    let bias = AttentionBiasView(inputs.input(5), [samples, heads, steps, total])
    HeadAttention<Float>(
      samples: samples, heads: heads, keyHeads: heads, t: steps, s: total, d: d, e: e,
      alpha: scale ?? 1 / Float(max(d, 1)).squareRoot()
    ).evaluate(
      part(0, d), k, v, into: outputs[0].start(), .rowsFirst(heads: heads, rows: steps, width: e),
      scores: scores
    ) { scores, sample, head, rows in
      mask.weigh(
        scores, sample, rows, mask: inputs.input(3), bias: bias?.rows(sample, head))
    }
  }
}
