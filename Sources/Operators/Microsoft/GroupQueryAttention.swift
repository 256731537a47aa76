import Glibc
package import GraphIR
import Kernels
import Tensors

/// output = softmax(scale Q Kᵀ + bias) V, head by head, with keys and values behind those of a cache.
///
/// A sample has `seqlens_k` + 1 = T keys. Its S queries are the last of them, or the first where there
/// are fewer keys than queries; the cache holds the keys before them.
///
/// Shapes: query [B, S, N H], key and value [B, S, Nk H], or all three in query as
/// [B, S, (N + 2 Nk) H]; past_key and past_value [B, Nk, P, H]; seqlens_k [B]; total_sequence_length of
/// one element; cos_cache and sin_cache [positions, R / 2]; position_ids [B, S]; attention_bias
/// [B or 1, N or 1, S, at least T]; head_sink [N]. output [B, S, N H]; present_key and present_value
/// [B, Nk, max(P, total_sequence_length), H], zero behind a sample's keys.
/// Attributes: num_heads N, kv_num_heads Nk, a divisor; scale (1 / √H); softcap (0: none); do_rotary (0)
/// by positions, rotary_interleaved (0); local_window_size (−1: none), how many keys before its own a
/// query sees; smooth_softmax (0): a further score of 0 that weighs nothing, as head_sink gives one per
/// head; causal only as 1.
/// Types: float16, bfloat16, float; position_ids int64, lengths int32.
/// Precision: computed in float and rounded once.
/// Source: onnxruntime's GroupQueryAttention-1, without quantised or windowed caches, norms of Q and K,
/// query_seqlens, and the output of scores.
package struct GroupQueryAttention: Operator {
  package static let signature = OperatorSignature(
    "GroupQueryAttention", domain: MicrosoftDomain.name, inputs: 1...17, outputs: 1...4)

  private let heads, keyHeads: Int
  private let scale: Float?
  private let softcap: Float
  private let rotates, isInterleaved, isSmooth: Bool
  private let window: Int?
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let heads = try node.heads("num_heads"), let keyHeads = try node.heads("kv_num_heads")
    else {
      throw OperatorError(
        .invalidAttribute, "attributes 'num_heads' and 'kv_num_heads' are missing")
    }
    guard heads % keyHeads == 0 else {
      throw OperatorError(
        .invalidAttribute, "kv_num_heads: expected a divisor of \(heads), got \(keyHeads)")
    }
    (self.heads, self.keyHeads) = (heads, keyHeads)
    scale = try node.optionalNumber("scale").flatMap { $0 == 0 ? nil : $0 }
    softcap = try node.number("softcap", default: 0)
    rotates = try node.flag("do_rotary", default: false)
    isInterleaved = try node.flag("rotary_interleaved", default: false)
    isSmooth = try node.flag("smooth_softmax", default: false)
    let size = try node.integer("local_window_size", default: -1)
    window = size > 0 ? size : nil
    outputCount = node.outputs.count
    try Self.refuse(node)
    for index in [5, 6] where node.inputs.input(index) == nil {
      throw OperatorError(.arity, "input \(index) is missing")
    }
  }

  private static func refuse(_ node: Node) throws(OperatorError) {
    let quantizations = [
      try node.text("k_quant_type", default: "NONE"),
      try node.text("v_quant_type", default: "NONE"),
    ]
    let refused = [
      ("a quantised cache", quantizations != ["NONE", "NONE"]),
      ("a windowed cache", try node.flag("sliding_window_cache", default: false)),
      ("attention to all keys", try !node.flag("causal", default: true)),
      ("an output of scores", node.outputs.count > 3),
      ("scales, norms or query lengths", node.inputs.dropFirst(12).contains { $0 != nil }),
    ]
    for (what, isGiven) in refused where isGiven {
      throw OperatorError(.unsupported, "GroupQueryAttention with \(what) is not supported")
    }
  }

  /// How the inputs fit together.
  private struct Extents {
    let samples, steps, width, past: Int
    let isPacked: Bool
  }

  private func extents(_ inputs: [ArrayType?]) throws(OperatorError) -> Extents {
    let (q, k, v) = (inputs[0]!.shape, inputs.input(1)?.shape, inputs.input(2)?.shape)
    let isPacked = k == nil
    let (twice, overflow) = keyHeads.multipliedReportingOverflow(by: 2)
    let parts = isPacked ? saturatingSum(heads, twice) : heads
    guard !overflow, q.count == 3, q[2] % parts == 0 else {
      throw OperatorError(.shapeMismatch, "query does not fit \(heads) heads, got \(q)")
    }
    let width = q[2] / parts
    if !isPacked {
      let expected = [q[0], q[1], saturatingProduct([keyHeads, width])]
      guard k == expected, v == expected else {
        throw OperatorError(
          .shapeMismatch, "key and value: expected \(expected), got \(k ?? []) and \(v ?? [])")
      }
    } else if v != nil {
      throw OperatorError(.arity, "key and value are used together")
    }
    var past = 0
    let (pastKey, pastValue) = (inputs.input(3)?.shape, inputs.input(4)?.shape)
    if pastKey != nil || pastValue != nil {
      guard let shape = pastKey, pastValue == shape, shape.count == 4,
        shape == [q[0], keyHeads, shape[2], width]
      else {
        throw OperatorError(
          .shapeMismatch,
          "past_key and past_value do not fit, got \(pastKey ?? []) and \(pastValue ?? [])")
      }
      past = shape[2]
    }
    try checkProducts(
      [q[0], saturatingSum(heads, twice), q[1], width],
      [2, q[0], keyHeads, saturatingSum(past, q[1]), width])
    return Extents(samples: q[0], steps: q[1], width: width, past: past, isPacked: isPacked)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let type = types[0]!
    try expect(
      "GroupQueryAttention", supports: type.elementType,
      type.elementType.isFloatingPoint && type.elementType != .double)
    for index in [1, 2, 3, 4, 7, 8, 10, 11] {
      if let other = types.input(index) { try expectSameType(type, other) }
    }
    let extents = try extents(types)
    try checkLengths(types[5]!, types[6]!, extents)
    if rotates { try checkCaches(types, extents) }
    if let bias = types.input(10)?.shape {
      guard bias.count == 4, bias[2] == extents.steps, [1, extents.samples].contains(bias[0]),
        [1, heads].contains(bias[1])
      else {
        throw OperatorError(
          .shapeMismatch,
          "attention_bias: expected \([extents.samples, heads, extents.steps]) before the keys"
            + ", got \(bias)")
      }
    }
    if let sink = types.input(11)?.shape, sink != [heads] {
      throw OperatorError(.shapeMismatch, "head_sink: expected [\(heads)], got \(sink)")
    }
    let output = ArrayType(
      type.elementType, [extents.samples, extents.steps, heads * extents.width])
    guard outputCount > 1 else { return .types([output]) }
    guard let total = inputs[6]!.value?.integers?.first else { return .dependsOnContents }
    let present = try ArrayType(
      type.elementType, [extents.samples, keyHeads, max(extents.past, total), extents.width]
    ).checked()
    return .types(Array([output, present, present].prefix(outputCount)))
  }

  private func checkLengths(
    _ lengths: ArrayType, _ total: ArrayType, _ extents: Extents
  ) throws(OperatorError) {
    guard lengths.elementType == .int32, lengths.count == extents.samples,
      lengths.shape.count <= 2
    else {
      throw OperatorError(
        .shapeMismatch, "seqlens_k: expected int32[\(extents.samples)], got \(lengths)")
    }
    guard total.elementType == .int32, total.count == 1, total.shape.count <= 1 else {
      throw OperatorError(
        .shapeMismatch, "total_sequence_length: expected one int32, got \(total)")
    }
  }

  private func checkCaches(_ types: [ArrayType?], _ extents: Extents) throws(OperatorError) {
    guard let cos = types.input(7)?.shape, let sin = types.input(8)?.shape, cos == sin,
      cos.count == 2, cos[1] <= extents.width / 2
    else {
      throw OperatorError(
        .shapeMismatch, "do_rotary needs equal caches of at most \(extents.width / 2) columns")
    }
    guard let positions = types.input(9) else { return }
    guard positions.elementType == .int64, positions.shape == [extents.samples, extents.steps]
    else {
      throw OperatorError(
        .shapeMismatch,
        "position_ids: expected int64\([extents.samples, extents.steps]), got \(positions)")
    }
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? extents(inputs) else { return 0 }
    let keys = outputs.count > 1 ? outputs[1].shape[2] : saturatingSum(extents.past, extents.steps)
    return saturatingProduct([2, extents.samples, heads, extents.steps, keys, extents.width])
  }

  /// Keys and values of the present are as many as the past's and the new ones at most.
  private func capacity(_ extents: Extents, _ outputs: [[Int]]) -> Int {
    outputs.count > 1 ? outputs[1][2] : saturatingSum(extents.past, extents.steps)
  }

  /// The scores; Q and the new keys, rotated; present keys and values where they are no output.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? extents(inputs) else { return 0 }
    let capacity = capacity(extents, outputs.map(\.shape))
    let counts = [
      AttentionBlock.scoreCount(extents.steps, capacity),
      saturatingProduct([extents.samples, heads, extents.steps, extents.width]),
      saturatingProduct([extents.samples, keyHeads, extents.steps, extents.width]),
      saturatingProduct([2, extents.samples, keyHeads, capacity, extents.width]),
    ]
    return saturatingProduct([counts.reduce(0, saturatingSum), MemoryLayout<Float>.stride])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs.contains(where: { $0.count > 0 }) else { return }
    let extents = try extents(inputs.map { $0?.type })
    let capacity = capacity(extents, outputs.map(\.shape))
    let lengths = inputs[5]!.elements(of: Int32.self).map { Int($0) + 1 }
    for length in lengths {
      let old = max(0, length - extents.steps)
      guard length >= 1, length <= capacity, old <= extents.past, old + extents.steps <= capacity
      else {
        throw OperatorError(
          .invalidValue, "seqlens_k: \(length) keys do not fit a cache of \(capacity)")
      }
    }
    if let bias = inputs.input(10), let length = lengths.max(), bias.shape[3] < length {
      throw OperatorError(
        .invalidValue, "attention_bias: expected \(length) keys, got \(bias.shape[3])")
    }
    let positions = rotates ? inputs.input(9)?.integers : nil
    if rotates {
      let rows = inputs[7]!.shape[0]
      try checkPositions(positions ?? [], below: rows)
      for length in lengths where positions == nil {
        try checkPositions([max(0, length - extents.steps) + extents.steps - 1], below: rows)
      }
    }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      attend(extents, inputs, outputs, capacity, lengths, positions, scratch)
    }
  }

  private func attend(
    _ extents: Extents, _ inputs: [TensorView?], _ outputs: [MutableTensorView], _ capacity: Int,
    _ lengths: [Int], _ positions: [Int]?, _ scratch: UnsafeMutableRawBufferPointer
  ) {
    let (samples, steps, width) = (extents.samples, extents.steps, extents.width)
    let scores = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    var memory = scores + AttentionBlock.scoreCount(steps, capacity)
    func take(_ heads: Int, _ rows: Int) -> UnsafeMutablePointer<Float> {
      defer { memory += samples * heads * rows * width }
      return memory
    }
    func part(_ index: Int) -> HeadMatrices<Float> {
      let count = index == 0 ? heads : keyHeads
      guard extents.isPacked else {
        return HeadMatrices(
          base: inputs[index]!.pointer(),
          layout: .rowsFirst(heads: count, rows: steps, width: width))
      }
      let row = (heads + 2 * keyHeads) * width
      let start = index == 0 ? 0 : (heads + (index - 1) * keyHeads) * width
      return HeadMatrices(
        base: inputs[0]!.pointer(),
        layout: HeadLayout(sample: steps * row, head: width, row: row, start: start))
    }
    func rotated(_ index: Int) -> HeadMatrices<Float> {
      let given = part(index)
      guard rotates else { return given }
      let count = index == 0 ? heads : keyHeads
      let target = take(count, steps)
      let layout = HeadLayout.headsFirst(heads: count, rows: steps, width: width)
      Rotation(
        samples: samples, heads: count, rows: steps, width: width, pairs: inputs[7]!.shape[1],
        isInterleaved: isInterleaved
      ).apply(
        given.base, given.layout, into: target, layout, cos: inputs[7]!.pointer(),
        sin: inputs[8]!.pointer()
      ) { sample, row in
        positions?[sample * steps + row] ?? max(0, lengths[sample] - steps) + row
      }
      return HeadMatrices(base: UnsafePointer(target), layout: layout)
    }
    func present(_ index: Int) -> HeadMatrices<Float> {
      let new = index == 1 ? rotated(1) : part(2)
      let target = outputs.count > index ? outputs[index].start() : take(keyHeads, capacity)
      let past: UnsafePointer<Float>? = inputs.input(index + 2)?.pointer()
      fill(target, capacity, extents, lengths, past: past, new)
      return HeadMatrices(
        base: UnsafePointer(target),
        layout: .headsFirst(heads: keyHeads, rows: capacity, width: width))
    }
    let (q, k, v) = (rotated(0), present(1), present(2))
    let sinks: UnsafePointer<Float>? = inputs.input(11)?.pointer()
    HeadAttention<Float>(
      samples: samples, heads: heads, keyHeads: keyHeads, t: steps, s: capacity, d: width,
      e: width, alpha: scale ?? 1 / Float(max(width, 1)).squareRoot()
    ).evaluate(
      q, k, v, into: outputs[0].start(), .rowsFirst(heads: heads, rows: steps, width: width),
      scores: scores
    ) { scores, sample, head, rows in
      capScores(scores, count: rows.count * capacity, softcap)
      for row in rows {
        weigh(
          scores + (row - rows.lowerBound) * capacity, capacity, row, sample, head,
          place: max(0, lengths[sample] - steps) + row, length: lengths[sample], inputs.input(10),
          sink: sinks?[head] ?? (isSmooth ? 0 : nil))
      }
    }
  }

  /// The past's rows before each sample's new ones, and zeros behind them.
  private func fill(
    _ target: UnsafeMutablePointer<Float>, _ capacity: Int, _ extents: Extents, _ lengths: [Int],
    past: UnsafePointer<Float>?, _ new: HeadMatrices<Float>
  ) {
    let (steps, width) = (extents.steps, extents.width)
    for sample in 0..<extents.samples {
      let old = max(0, lengths[sample] - steps)
      for head in 0..<keyHeads {
        let matrix = sample * keyHeads + head
        let rows = target + matrix * capacity * width
        if let past { rows.update(from: past + matrix * extents.past * width, count: old * width) }
        let source = new.base + new.layout.offset(sample, head)
        for row in 0..<steps {
          (rows + (old + row) * width).update(from: source + row * new.layout.row, count: width)
        }
        (rows + (old + steps) * width).update(
          repeating: 0, count: (capacity - old - steps) * width)
      }
    }
  }

  /// Turns a query's scores into weights of the keys it sees.
  private func weigh(
    _ scores: UnsafeMutablePointer<Float>, _ capacity: Int, _ row: Int, _ sample: Int, _ head: Int,
    place: Int, length: Int, _ bias: TensorView?, sink: Float?
  ) {
    let end = min(place + 1, capacity)
    let start = window.map { end > $0 ? end - $0 : 0 } ?? 0
    if let bias {
      let shape = bias.shape
      let (first, second) = (shape[0] == 1 ? 0 : sample, shape[1] == 1 ? 0 : head)
      let terms =
        bias.pointer(of: Float.self) + ((first * shape[1] + second) * shape[2] + row) * shape[3]
      for key in start..<max(start, min(end, shape[3])) { scores[key] += terms[key] }
    }
    scores.update(repeating: 0, count: start)
    (scores + end).update(repeating: 0, count: capacity - end)
    let seen = scores + start
    if let sink {
      var largest = sink
      for key in 0..<end - start { largest = max(largest, seen[key]) }
      UnaryFunction.affine(scale: 1, shift: -largest).apply(seen, into: seen, count: end - start)
      UnaryFunction.exp.apply(seen, into: seen, count: end - start)
      var sum = 0.0
      for key in 0..<end - start { sum += Double(seen[key]) }
      let factor = Float(1 / (sum + exp(Double(sink - largest))))
      for key in 0..<end - start { seen[key] *= factor }
    } else {
      Softmax.softmax(seen, into: seen, rows: 1, count: end - start)
    }
  }
}
