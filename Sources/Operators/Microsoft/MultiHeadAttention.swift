package import GraphIR
import Kernels
import Tensors

/// output = softmax(scale Q Kᵀ + bias) V, head by head.
///
/// Shapes: query [B, S, D], key [B, L, D], value [B, L, E]; or key and value together as
/// [B, L, N, 2, H], or all three in query as [B, S, N, 3, H]; or key and value [B, N, L, ·], to which no
/// bias is added. bias [D + D + E]; key_padding_mask as `KeyMask` has it, of T = P + L keys;
/// attention_bias [B or 1, N or 1, S, T]; past_key, past_value, present_key and present_value
/// [B, N, ·, ·]; output [B, S, E].
/// Attributes: num_heads N, scale (1 / √(D / N)), unidirectional (0), mask_filter_value (−10000).
/// Types: float16, bfloat16, float; key_padding_mask int32.
/// Precision: computed in float and rounded once.
/// Source: onnxruntime's MultiHeadAttention-1, without buffers that past and present share, and without
/// the output qk.
package struct MultiHeadAttention: Operator {
  package static let signature = OperatorSignature(
    "MultiHeadAttention", domain: MicrosoftDomain.name, inputs: 1...10, outputs: 1...4)

  private let heads: Int
  private let scale: Float?
  private let filter: Float
  private let isUnidirectional: Bool
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let heads = try node.heads("num_heads") else {
      throw OperatorError(.invalidAttribute, "attribute 'num_heads' is missing")
    }
    self.heads = heads
    scale = try node.optionalNumber("scale").flatMap { $0 == 0 ? nil : $0 }
    filter = try node.number("mask_filter_value", default: -10000)
    isUnidirectional = try node.flag("unidirectional", default: false)
    outputCount = node.outputs.count
    for (index, name) in [(8, "past_sequence_length"), (9, "cache_indirection")]
    where node.inputs.input(index) != nil {
      throw OperatorError(.unsupported, "MultiHeadAttention with '\(name)' is not supported")
    }
    if outputCount > 3 {
      throw OperatorError(.unsupported, "MultiHeadAttention with an output 'qk' is not supported")
    }
  }

  /// How the inputs fit together.
  private struct Extents {
    let samples, steps, keys, past: Int
    /// The widths of a head of Q or K, and of V.
    let d, e: Int
    /// Where Q, K and V lie in their inputs, and in which.
    var places: [(input: Int, layout: HeadLayout)]
    /// Whether key and value have heads first.
    let hasHeadsFirst: Bool
    var total: Int { past + keys }
  }

  private func extents(_ inputs: [ArrayType?]) throws(OperatorError) -> Extents {
    let q = inputs[0]!.shape
    let (k, v) = (inputs.input(1)?.shape, inputs.input(2)?.shape)
    let got = "got \(q), \(k ?? []) and \(v ?? [])"
    func mismatch() -> OperatorError {
      OperatorError(.shapeMismatch, "query, key and value do not fit \(heads) heads, \(got)")
    }
    func layout(_ parts: Int, _ part: Int, _ rows: Int, _ width: Int) -> HeadLayout {
      // The width comes first: where it is zero, there may be any number of heads.
      HeadLayout(
        sample: width * parts * heads * rows, head: width * parts, row: width * parts * heads,
        start: width * part)
    }
    var steps = 0, keys = 0, d = 0, e = 0, isHeadsFirst = false
    var places: [(input: Int, layout: HeadLayout)] = []
    if q.count == 5 {
      guard k == nil, v == nil, q == [q[0], q[1], heads, 3, q[4]] else { throw mismatch() }
      (steps, keys, d, e) = (q[1], q[1], q[4], q[4])
      places = (0..<3).map { (0, layout(3, $0, steps, d)) }
    } else {
      guard q.count == 3, q[2] % heads == 0, let k else { throw mismatch() }
      (steps, d) = (q[1], q[2] / heads)
      places = [(0, layout(1, 0, steps, d))]
      if k.count == 5 {
        guard v == nil, k == [q[0], k[1], heads, 2, d] else { throw mismatch() }
        (keys, e) = (k[1], d)
        places += (0..<2).map { (1, layout(2, $0, keys, d)) }
      } else if k.count == 4 {
        guard let v, v.count == 4, k == [q[0], heads, k[2], d], v == [q[0], heads, k[2], v[3]]
        else { throw mismatch() }
        (keys, e, isHeadsFirst) = (k[2], v[3], true)
        places += [
          (1, .headsFirst(heads: heads, rows: keys, width: d)),
          (2, .headsFirst(heads: heads, rows: keys, width: e)),
        ]
      } else {
        guard let v, k.count == 3, k == [q[0], k[1], q[2]], v.count == 3,
          v == [q[0], k[1], v[2]], v[2] % heads == 0
        else { throw mismatch() }
        (keys, e) = (k[1], v[2] / heads)
        places += [(1, layout(1, 0, keys, d)), (2, layout(1, 0, keys, e))]
      }
    }
    let past = try past(inputs.input(6)?.shape, inputs.input(7)?.shape, [q[0], heads], d, e)
    let total = saturatingSum(past, keys)
    try checkProducts(
      [q[0], heads, steps, 3, max(d, e)], [q[0], heads, total, 3, max(d, e)],
      [q[0], heads, steps, total])
    return Extents(
      samples: q[0], steps: steps, keys: keys, past: past, d: d, e: e, places: places,
      hasHeadsFirst: isHeadsFirst)
  }

  private func past(
    _ key: [Int]?, _ value: [Int]?, _ lead: [Int], _ d: Int, _ e: Int
  ) throws(OperatorError) -> Int {
    guard key != nil || value != nil else { return 0 }
    guard let key, let value, key.count == 4, key == lead + [key[2], d],
      value == lead + [key[2], e]
    else {
      throw OperatorError(
        .shapeMismatch, "past_key and past_value do not fit, got \(key ?? []) and \(value ?? [])")
    }
    return key[2]
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let type = types[0]!
    try expect(
      "MultiHeadAttention", supports: type.elementType,
      type.elementType.isFloatingPoint && type.elementType != .double)
    for index in [1, 2, 3, 6, 7] {
      if let other = types.input(index) { try expectSameType(type, other) }
    }
    let extents = try extents(types)
    let biasCount = heads * (2 * extents.d + extents.e)
    if let bias = types.input(3)?.shape, bias != [biasCount] {
      throw OperatorError(.shapeMismatch, "expected a bias of shape [\(biasCount)], got \(bias)")
    }
    _ = try KeyMask.form(
      types.input(4), samples: extents.samples, queries: extents.steps, total: extents.total)
    try KeyMask.check(
      bias: types.input(5), like: type, [extents.samples, heads, extents.steps, extents.total])
    let lead = [extents.samples, heads, extents.total]
    let results = [
      ArrayType(type.elementType, [extents.samples, extents.steps, heads * extents.e]),
      ArrayType(type.elementType, lead + [extents.d]),
      ArrayType(type.elementType, lead + [extents.e]),
    ]
    return .types(
      try results.prefix(outputCount).map { (type) throws(OperatorError) in try type.checked() })
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? extents(inputs) else { return 0 }
    return saturatingProduct([
      extents.samples, heads, extents.steps, extents.total, saturatingSum(extents.d, extents.e),
    ])
  }

  /// The scores; Q, K and V with their biases; keys and values behind the past's where they are no
  /// output.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? extents(inputs) else { return 0 }
    var count = AttentionBlock.scoreCount(extents.steps, extents.total)
    if inputs.input(3) != nil {
      count = saturatingSum(count, size(extents, extents.steps, extents.d))
      count = saturatingSum(count, size(extents, extents.keys, extents.d))
      count = saturatingSum(count, size(extents, extents.keys, extents.e))
    }
    if extents.past > 0 {
      count = saturatingSum(count, size(extents, extents.total, extents.d))
      count = saturatingSum(count, size(extents, extents.total, extents.e))
    }
    return saturatingProduct([count, MemoryLayout<Float>.stride])
  }

  private func size(_ extents: Extents, _ rows: Int, _ width: Int) -> Int {
    saturatingProduct([extents.samples, heads, rows, width])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs.contains(where: { $0.count > 0 }) else { return }
    let extents = try extents(inputs.map { $0?.type })
    let mask = try KeyMask(
      inputs.input(4)?.type, filter: filter, isUnidirectional: isUnidirectional,
      samples: extents.samples, queries: extents.steps, past: extents.past, total: extents.total)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      attend(extents, inputs, outputs, mask, scratch)
    }
  }

  private func attend(
    _ extents: Extents, _ inputs: [TensorView?], _ outputs: [MutableTensorView], _ mask: KeyMask,
    _ scratch: UnsafeMutableRawBufferPointer
  ) {
    let (samples, steps, total) = (extents.samples, extents.steps, extents.total)
    let scores = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    var memory = scores + AttentionBlock.scoreCount(steps, total)
    func take(_ rows: Int, _ width: Int) -> UnsafeMutablePointer<Float> {
      defer { memory += size(extents, rows, width) }
      return memory
    }
    /// Q, K or V with its bias.
    func part(_ index: Int) -> HeadMatrices<Float> {
      let (rows, width) = (index == 0 ? steps : extents.keys, index == 2 ? extents.e : extents.d)
      let place = extents.places[index]
      let given = HeadMatrices<Float>(base: inputs[place.input]!.pointer(), layout: place.layout)
      guard let bias = inputs.input(3), index == 0 || !extents.hasHeadsFirst else { return given }
      let target = take(rows, width)
      let layout = HeadLayout.headsFirst(heads: heads, rows: rows, width: width)
      given.copy(
        samples: samples, heads: heads, count: rows, width: width, into: target, layout)
      for head in 0..<heads {
        let terms = bias.pointer(of: Float.self) + (index * heads * extents.d + head * width)
        for sample in 0..<samples {
          Epilogue(columnBias: terms).apply(
            to: target + layout.offset(sample, head), stride: width, rows: rows, columns: width)
        }
      }
      return HeadMatrices(base: UnsafePointer(target), layout: layout)
    }
    func joined(_ index: Int) -> HeadMatrices<Float> {
      let new = part(index)
      guard extents.past > 0 || outputs.count > index else { return new }
      let width = index == 2 ? extents.e : extents.d
      return new.appended(
        to: inputs.input(index + 5)?.pointer(), extents.past, samples: samples, heads: heads,
        count: extents.keys, width: width,
        in: outputs.count > index ? outputs[index].start() : take(total, width))
    }
    let bias = AttentionBiasView(inputs.input(5), [samples, heads, steps, total])
    HeadAttention<Float>(
      samples: samples, heads: heads, keyHeads: heads, t: steps, s: total, d: extents.d,
      e: extents.e, alpha: scale ?? 1 / Float(max(extents.d, 1)).squareRoot()
    ).evaluate(
      part(0), joined(1), joined(2), into: outputs[0].start(),
      .rowsFirst(heads: heads, rows: steps, width: extents.e), scores: scores
    ) { scores, sample, head, rows in
      mask.weigh(
        scores, sample, rows, mask: inputs.input(4), bias: bias?.rows(sample, head))
    }
  }
}
