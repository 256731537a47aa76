import Glibc
package import GraphIR
import Tensors

/// output = scale qᵗ S, where each step updates the state: S = exp(g) S + k ⊗ v, or with the delta rule
/// S = exp(g) S + beta k ⊗ (v − (exp(g) S)ᵗ k).
///
/// Shapes: query [B, T, Hq dk], key [B, T, Hk dk], value [B, T, Hk dv], past_state (zeros) and
/// present_state [B, Hk, dk, dv], decay g [B, T, Hk] or [B, T, Hk dk], beta [B, T, Hk] or [B, T, 1],
/// output [B, T, Hq dv]; Hk divides Hq.
/// Attributes: update_rule ("gated_delta"; "linear" and "delta" have no decay, "linear" and "gated" no
/// beta), q_num_heads, kv_num_heads, scale (0: 1 / √dk), chunk_size, a hint.
/// Types: float16, bfloat16, float; the states may be of another than the rest.
/// Precision: computed in float and rounded once.
/// Source: ONNX LinearAttention-27.
package struct LinearAttention: Operator {
  package static let signature = OperatorSignature(
    "LinearAttention", since: 27, inputs: 3...6, outputs: 2...2)

  private let queryHeads, keyHeads: Int
  private let scale: Float
  private let decays, corrects: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let queryHeads = try node.heads("q_num_heads"),
      let keyHeads = try node.heads("kv_num_heads")
    else {
      throw OperatorError(
        .invalidAttribute, "attributes 'q_num_heads' and 'kv_num_heads' are missing")
    }
    guard queryHeads % keyHeads == 0 else {
      throw OperatorError(
        .invalidAttribute, "kv_num_heads: expected a divisor of \(queryHeads), got \(keyHeads)")
    }
    (self.queryHeads, self.keyHeads) = (queryHeads, keyHeads)
    scale = try node.number("scale", default: 0)
    let rule = try node.text("update_rule", default: "gated_delta")
    switch rule {
    case "linear": (decays, corrects) = (false, false)
    case "gated": (decays, corrects) = (true, false)
    case "delta": (decays, corrects) = (false, true)
    case "gated_delta": (decays, corrects) = (true, true)
    default: throw OperatorError(.invalidAttribute, "update_rule '\(rule)' is unknown")
    }
  }

  /// How the inputs fit together.
  private struct Extents { let samples, steps, dk, dv: Int }

  private func extents(_ inputs: [ArrayType?]) throws(OperatorError) -> Extents {
    let (q, k, v) = (inputs[0]!.shape, inputs[1]!.shape, inputs[2]!.shape)
    guard q.count == 3, k.count == 3, v.count == 3, q[2] % queryHeads == 0, v[2] % keyHeads == 0,
      k == [q[0], q[1], q[2] / queryHeads * keyHeads], v == [q[0], q[1], v[2]]
    else {
      throw OperatorError(
        .shapeMismatch,
        "query, key and value do not fit \(queryHeads) and \(keyHeads) heads, got \(q), \(k), \(v)")
    }
    try checkProducts([q[0], q[1], queryHeads, v[2] / keyHeads], [q[2], v[2]])
    return Extents(samples: q[0], steps: q[1], dk: q[2] / queryHeads, dv: v[2] / keyHeads)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    for case let type? in types {
      try expect(
        "LinearAttention", supports: type.elementType,
        type.elementType.isFloatingPoint && type.elementType != .double)
    }
    let extents = try extents(types)
    let (query, past) = (types[0]!, types.input(3))
    for index in [1, 2, 4, 5] {
      if let type = types.input(index) { try expectSameType(query, type) }
    }
    let state = [extents.samples, keyHeads, extents.dk, extents.dv]
    if let past, past.shape != state {
      throw OperatorError(.shapeMismatch, "past_state: expected \(state), got \(past.shape)")
    }
    let lead = [extents.samples, extents.steps]
    try check("decay", types.input(4), decays, [lead + [keyHeads], inputs[1]!.type.shape])
    try check("beta", types.input(5), corrects, [lead + [keyHeads], lead + [1]])
    return .types([
      try ArrayType(query.elementType, lead + [queryHeads * extents.dv]).checked(),
      try ArrayType((past ?? query).elementType, state).checked(),
    ])
  }

  private func check(
    _ name: String, _ type: ArrayType?, _ isNeeded: Bool, _ shapes: [[Int]]
  ) throws(OperatorError) {
    guard (type != nil) == isNeeded else {
      throw OperatorError(
        .arity, "the update rule \(isNeeded ? "needs" : "takes no") input '\(name)'")
    }
    guard let type, !shapes.contains(type.shape) else { return }
    throw OperatorError(
      .shapeMismatch, "\(name): expected \(shapes[0]) or \(shapes[1]), got \(type.shape)")
  }

  /// A step's value, corrected.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[1].shape[3], MemoryLayout<Float>.stride])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([3, outputs[0].count, outputs[1].shape[2]])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs.contains(where: { $0.count > 0 }) else { return }
    let extents = try extents(inputs.map { $0?.type })
    let corrected = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let states: UnsafeMutablePointer<Float> = outputs[1].start()
      if let past = inputs.input(3) {
        states.update(from: past.pointer(of: Float.self), count: outputs[1].count)
      } else {
        states.update(repeating: 0, count: outputs[1].count)
      }
      for sample in 0..<extents.samples {
        for head in 0..<keyHeads {
          let state = states + (sample * keyHeads + head) * extents.dk * extents.dv
          for step in 0..<extents.steps {
            advance(
              state, inputs, outputs[0], extents, row: sample * extents.steps + step, head,
              corrected)
          }
        }
      }
    }
  }

  /// One step of one head: updates its state and reads it for the queries that share it.
  private func advance(
    _ state: UnsafeMutablePointer<Float>, _ inputs: [TensorView?], _ output: MutableTensorView,
    _ extents: Extents, row: Int, _ head: Int, _ corrected: UnsafeMutablePointer<Float>
  ) {
    let (dk, dv) = (extents.dk, extents.dv)
    let key = inputs[1]!.pointer(of: Float.self) + (row * keyHeads + head) * dk
    let value = inputs[2]!.pointer(of: Float.self) + (row * keyHeads + head) * dv
    if let decay = inputs.input(4) {
      let isPerHead = decay.shape[2] == keyHeads
      let terms = decay.pointer(of: Float.self) + row * decay.shape[2] + head * (isPerHead ? 1 : dk)
      for d in 0..<dk {
        let factor = expf(terms[isPerHead ? 0 : d])
        for m in d * dv..<(d + 1) * dv { state[m] *= factor }
      }
    }
    corrected.update(from: value, count: dv)
    if let beta = inputs.input(5) {
      for d in 0..<dk { for m in 0..<dv { corrected[m] -= state[d * dv + m] * key[d] } }
      let width = beta.shape[2]
      let rate = beta.pointer(of: Float.self)[row * width + (width == 1 ? 0 : head)]
      for m in 0..<dv { corrected[m] *= rate }
    }
    for d in 0..<dk { for m in 0..<dv { state[d * dv + m] += key[d] * corrected[m] } }
    let factor = scale == 0 ? 1 / Float(max(dk, 1)).squareRoot() : scale
    let group = queryHeads / keyHeads
    for queryHead in head * group..<(head + 1) * group {
      let query = inputs[0]!.pointer(of: Float.self) + (row * queryHeads + queryHead) * dk
      let out = output.start(as: Float.self) + (row * queryHeads + queryHead) * dv
      out.update(repeating: 0, count: dv)
      for d in 0..<dk { for m in 0..<dv { out[m] += query[d] * state[d * dv + m] } }
      for m in 0..<dv { out[m] *= factor }
    }
  }
}
