package import GraphIR
import Kernels
import Tensors

/// output = layer normalisation, over the last axis, of the sum of a word's, a position's and a
/// segment's embedding.
///
/// Shapes: input_ids, segment_ids and mask [B, S]; the embeddings [·, H]; gamma and beta [H];
/// position_ids [B, S] or [1, S] (0, 1, …). output and embedding_sum [B, S, H]; mask_index [B], the ones
/// in each row of the mask, zero without one.
/// Attributes: epsilon (1e-12); mask_index_type, which changes nothing.
/// Types: float16, bfloat16, float; all indices int32.
/// Precision: computed in float and rounded once.
/// Source: onnxruntime's EmbedLayerNormalization-1.
package struct EmbedLayerNormalization: Operator {
  package static let signature = OperatorSignature(
    "EmbedLayerNormalization", domain: MicrosoftDomain.name, inputs: 1...9, outputs: 1...3)

  private let epsilon: Float
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    epsilon = try node.number("epsilon", default: 1e-12)
    outputCount = node.outputs.count
    for index in [2, 3, 5, 6] where node.inputs.input(index) == nil {
      throw OperatorError(.arity, "input \(index) is missing")
    }
    guard (node.inputs[1] == nil) == (node.inputs[4] == nil) else {
      throw OperatorError(.arity, "segment_ids and segment_embedding are used together")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (ids, words) = (inputs[0]!.type, inputs[2]!.type)
    try expect(
      "EmbedLayerNormalization", supports: words.elementType,
      words.elementType.isFloatingPoint && words.elementType != .double)
    guard ids.shape.count == 2, words.shape.count == 2, words.shape[1] > 0 else {
      throw OperatorError(
        .shapeMismatch,
        "expected two axes in input_ids and word_embedding, got \(ids.shape) and \(words.shape)")
    }
    for (name, index) in [("input_ids", 0), ("segment_ids", 1), ("mask", 7), ("position_ids", 8)] {
      guard let type = inputs.input(index)?.type else { continue }
      guard type.elementType == .int32,
        type.shape == ids.shape || (index == 8 && type.shape == [1, ids.shape[1]])
      else {
        throw OperatorError(.shapeMismatch, "\(name): expected int32\(ids.shape), got \(type)")
      }
    }
    let width = words.shape[1]
    for index in 3...6 {
      guard let type = inputs[index]?.type else { continue }
      try expectSameType(words, type)
      guard type.shape == (index < 5 ? [type.shape.first ?? 0, width] : [width]) else {
        throw OperatorError(
          .shapeMismatch, "input \(index): expected a width of \(width), got \(type.shape)")
      }
    }
    let type = try ArrayType(words.elementType, ids.shape + [width]).checked()
    let counts = try ArrayType(.int32, [ids.shape[0]]).checked()
    return .types(Array([type, counts, type].prefix(outputCount)))
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (samples, steps) = (inputs[0]!.shape[0], inputs[0]!.shape[1])
    if outputs.count > 1 { countMask(inputs.input(7), steps, outputs[1]) }
    guard outputs[0].count > 0 else { return }
    let words = inputs[0]!.elements(of: Int32.self)
    let segments = inputs[1]?.elements(of: Int32.self)
    let positions = inputs.input(8)?.elements(of: Int32.self)
    func checked(_ index: Int, _ table: Int, _ noun: String) throws(OperatorError) -> Int {
      let count = inputs[table]!.shape[0]
      guard (0..<count).contains(index) else {
        throw OperatorError(.invalidValue, "\(noun) \(index) is outside a table of \(count) rows")
      }
      return index
    }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let width = outputs[0].shape[2]
      let y: UnsafeMutablePointer<Float> = outputs[0].start()
      let sums = outputs.count > 2 ? outputs[2].start(as: Float.self) : y
      func row(_ table: Int, _ index: Int) -> UnsafePointer<Float> {
        inputs[table]!.pointer(of: Float.self) + index * width
      }
      for place in 0..<samples * steps {
        let position = positions.map { Int($0[$0.count == steps ? place % steps : place]) }
        let word = row(2, try checked(Int(words[place]), 2, "word"))
        let second = row(3, try checked(position ?? place % steps, 3, "position"))
        let sum = sums + place * width
        for index in 0..<width { sum[index] = word[index] + second[index] }
        guard let segments else { continue }
        let third = row(4, try checked(Int(segments[place]), 4, "segment"))
        for index in 0..<width { sum[index] += third[index] }
      }
      Normalization.layerNormalization(
        sums, gamma: inputs[5]!.pointer(), beta: inputs[6]!.pointer(), epsilon: epsilon, into: y,
        rows: samples * steps, count: width)
    }
  }

  private func countMask(
    _ mask: TensorView?, _ steps: Int, _ output: MutableTensorView
  ) {
    let counts = output.elements(of: Int32.self)
    counts.update(repeating: 0)
    guard let mask = mask?.elements(of: Int32.self) else { return }
    for sample in counts.indices {
      let ones = mask[sample * steps..<(sample + 1) * steps].count { $0 == 1 }
      counts[sample] = Int32(clamping: ones)
    }
  }
}
