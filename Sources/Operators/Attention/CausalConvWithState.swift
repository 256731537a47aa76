package import GraphIR
import Kernels
import Tensors

/// output = activation(Σ weight[c, k] padded[b, c, · + k] + bias[c]), where `padded` is the input behind
/// the past state; present_state is the end of it.
///
/// Shapes: input and output [B, C, L], weight [C, 1, K], bias [C], past_state (zeros) and present_state
/// [B, C, K − 1].
/// Attributes: activation ("none"; "silu" or "swish").
/// Types: float16, bfloat16, float.
/// Precision: computed in float and rounded once; |error| <= K 2^-24 Σ|weight||padded|.
/// Source: ONNX CausalConvWithState-27.
package struct CausalConvWithState: Operator {
  package static let signature = OperatorSignature(
    "CausalConvWithState", since: 27, inputs: 2...4, outputs: 1...2)

  private let activation: UnaryFunction
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let name = try node.text("activation", default: "none")
    switch name {
    case "none": activation = .identity
    case "silu", "swish": activation = .silu
    default:
      throw OperatorError(
        .invalidAttribute, "activation: expected 'none', 'silu' or 'swish', got '\(name)'")
    }
    outputCount = node.outputs.count
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, w) = (inputs[0]!.type, inputs[1]!.type)
    try expect(
      "CausalConvWithState", supports: x.elementType,
      x.elementType.isFloatingPoint && x.elementType != .double)
    for input in inputs.dropFirst() { if let input { try expectSameType(x, input.type) } }
    guard x.shape.count == 3, w.shape.count == 3, w.shape == [x.shape[1], 1, w.shape[2]],
      w.shape[2] > 0
    else {
      throw OperatorError(
        .shapeMismatch, "input and weight do not fit, got \(x.shape) and \(w.shape)")
    }
    let state = [x.shape[0], x.shape[1], w.shape[2] - 1]
    for (name, index, shape) in [("bias", 2, [x.shape[1]]), ("past_state", 3, state)] {
      if let got = inputs.input(index)?.type.shape, got != shape {
        throw OperatorError(.shapeMismatch, "\(name): expected \(shape), got \(got)")
      }
    }
    let types = [x, try ArrayType(x.elementType, state).checked()]
    return .types(Array(types.prefix(outputCount)))
  }

  /// One padded row.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let count = saturatingSum(inputs[0]!.shape[2], inputs[1]!.shape[2])
    return saturatingProduct([count, MemoryLayout<Float>.stride])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, inputs[1]!.shape[2]])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs.contains(where: { $0.count > 0 }) else { return }
    let padded = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (channels, length) = (outputs[0].shape[1], outputs[0].shape[2])
      let (x, w) = (inputs[0]!.pointer(of: Float.self), inputs[1]!.pointer(of: Float.self))
      let bias: UnsafePointer<Float>? = inputs.input(2)?.pointer()
      let past: UnsafePointer<Float>? = inputs.input(3)?.pointer()
      let y: UnsafeMutablePointer<Float> = outputs[0].start()
      let present: UnsafeMutablePointer<Float>? = outputs.count > 1 ? outputs[1].start() : nil
      let size = inputs[1]!.shape[2]
      let kept = size - 1
      for row in 0..<outputs[0].shape[0] * channels {
        if let past {
          padded.update(from: past + row * kept, count: kept)
        } else {
          padded.update(repeating: 0, count: kept)
        }
        (padded + kept).update(from: x + row * length, count: length)
        let (out, channel) = (y + row * length, row % channels)
        out.update(repeating: bias?[channel] ?? 0, count: length)
        for k in 0..<size {
          let factor = w[channel * size + k]
          for i in 0..<length { out[i] += factor * padded[i + k] }
        }
        activation.apply(out, into: out, count: length)
        if let present { (present + row * kept).update(from: padded + length, count: kept) }
      }
    }
  }
}
