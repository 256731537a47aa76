package import GraphIR
import Kernels
import Tensors

/// Attention of heads over themselves, whose projections are one product of eight-bit integers.
///
/// [Q K V] = the scaled product of input and weight, plus bias, each H = heads · size wide; for each head
/// Y = softmax(scale Q Kᵀ + mask) V, where K and V follow those of `past`.
///
/// Shapes: input [B, S, I], weight [I, 3H], bias [3H]; input_scale one number, weight_scale one number or
/// [3H]; mask_index [B] (ends), [2B] (ends, then starts), [B, P + S] or [B, S, P + S] (0 for what is not
/// seen); zero points as their scales; past [2, B, heads, P, size]; output [B, S, H], present [2, B,
/// heads, P + S, size]. Inputs in that order, from mask_index on optional: mask_index,
/// input_zero_point, weight_zero_point, past.
/// Attributes: num_heads, unidirectional (0), scale (1 / √size), mask_filter_value (-10000), added to what
/// is not seen; do_rotary and past_present_share_buffer are not supported.
/// Types: input, weight int8 or uint8, each its zero point's; mask_index int32; the others float.
/// Precision: sums of the projections are exact, all else float.
/// Source: onnxruntime's QAttention-1.
package struct QAttention: Operator {
  package static let signature = OperatorSignature(
    "QAttention", domain: MicrosoftDomain.name, inputs: 5...9, outputs: 1...2)

  private let heads: Int
  private let isCausal: Bool
  private let scale: Float?
  private let maskValue: Float
  private let givesPresent: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    heads = try node.integer("num_heads")
    guard (1...Int(Int32.max)).contains(heads) else {
      throw OperatorError(.invalidAttribute, "num_heads must be positive, got \(heads)")
    }
    isCausal = try node.flag("unidirectional", default: false)
    let scale = try node.number("scale", default: 0)
    self.scale = scale == 0 ? nil : scale
    maskValue = try node.number("mask_filter_value", default: -10000)
    givesPresent = node.outputs.count > 1
    for name in ["do_rotary", "past_present_share_buffer"] {
      guard try !node.flag(name, default: false) else {
        throw OperatorError(.unsupported, "QAttention with \(name) is not supported")
      }
    }
  }

  /// The extents, and the product that projects.
  private struct Plan {
    let product: ScaledProduct
    let batch, length, width, headSize, past: Int
    var total: Int { past + length }
  }

  private func plan(_ types: [ArrayType?]) throws(OperatorError) -> Plan {
    let (input, weight) = (types[0]!, types[1]!)
    guard input.shape.count == 3, weight.shape.count == 2 else {
      throw OperatorError(
        .shapeMismatch, "expected three and two axes, got \(input.shape) and \(weight.shape)")
    }
    let product = try ScaledProduct(
      "QAttention", input, weight, aScale: types[3]!, bScale: types[4]!,
      aZero: types.input(6), bZero: types.input(7), bias: types[2]!)
    try expectOne(types[3]!, "scale")
    guard weight.shape[1] % 3 == 0, weight.shape[1] / 3 % heads == 0 else {
      throw OperatorError(
        .shapeMismatch, "\(weight.shape[1]) columns do not fit \(heads) heads")
    }
    let width = weight.shape[1] / 3
    let (batch, length, headSize) = (input.shape[0], input.shape[1], width / heads)
    var past = 0
    if let type = types.input(8) {
      try expect("QAttention", supports: type.elementType, type.elementType == .float)
      guard type.shape.count == 5, type.shape[3] <= Int(Int32.max),
        type.shape == [2, batch, heads, type.shape[3], headSize]
      else {
        throw OperatorError(
          .shapeMismatch,
          "expected a past of [2, \(batch), \(heads), any, \(headSize)], got \(type.shape)")
      }
      past = type.shape[3]
    }
    guard length <= Int(Int32.max) else {
      throw OperatorError(.invalidShape, "\(length) places are too many")
    }
    if let mask = types.input(5) {
      try expect("QAttention", supports: mask.elementType, mask.elementType == .int32)
      let total = past + length
      let (twice, overflow) = batch.multipliedReportingOverflow(by: 2)
      guard
        [[batch], [batch, total], [batch, length, total]].contains(mask.shape)
          || (!overflow && mask.shape == [twice])
      else {
        throw OperatorError(
          .shapeMismatch, "a mask of \(mask.shape) does not fit \(batch) × \(length) × \(total)")
      }
    }
    return Plan(
      product: product, batch: batch, length: length, width: width, headSize: headSize,
      past: past)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let plan = try plan(inputs.map { $0?.type })
    let present = [2, plan.batch, heads, plan.total, plan.headSize]
    var types = [try ArrayType(.float, [plan.batch, plan.length, plan.width]).checked()]
    if givesPresent { types.append(try ArrayType(.float, present).checked()) }
    return .types(types)
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let plan = try? plan(inputs) else { return 0 }
    let floats = [
      saturatingProduct([plan.batch, plan.length, plan.width, 3]),
      saturatingProduct([plan.length, plan.total]),
      saturatingProduct([plan.total, plan.headSize, 2]),
    ].reduce(0, saturatingSum)
    return saturatingSum(
      saturatingProduct([floats, MemoryLayout<Float>.stride]),
      plan.product.product.scratchByteCount)
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, 3, inputs[1]!.shape.first ?? 1])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let plan = try plan(inputs.map { $0?.type })
    // Where heads have no width, there may be more of them than one walks.
    guard outputs.contains(where: { $0.count > 0 }), let memory = scratch.baseAddress else {
      return
    }
    let (length, total, size) = (plan.length, plan.total, plan.headSize)
    let stride = 3 * plan.width
    let projected = memory.assumingMemoryBound(to: Float.self)
    let scores = projected + plan.batch * length * stride
    let keys = scores + length * total
    let values = keys + total * size
    let used = (values + total * size) - projected
    try plan.product.multiply(
      inputs[0]!, inputs[1]!, aScale: inputs[3]!, bScale: inputs[4]!, aZero: inputs.input(6),
      bZero: inputs.input(7), bias: inputs[2]!, into: projected,
      scratch: UnsafeMutableRawBufferPointer(
        rebasing: scratch[(used * MemoryLayout<Float>.stride)...]))
    let past = inputs.input(8)?.start(as: Float.self)
    let present = givesPresent ? outputs[1].start(as: Float.self) : nil
    for batch in 0..<plan.batch {
      for head in 0..<heads {
        let query = projected + batch * length * stride + head * size
        for (kind, target) in [keys, values].enumerated() {
          let place = (kind * plan.batch + batch) * heads + head
          if let past {
            target.update(from: past + place * plan.past * size, count: plan.past * size)
          }
          for row in 0..<length {
            (target + (plan.past + row) * size).update(
              from: query + row * stride + (kind + 1) * plan.width, count: size)
          }
          if let present {
            (present + place * total * size).update(from: target, count: total * size)
          }
        }
        guard length > 0, size > 0 else { continue }
        Gemm.sgemm(
          m: length, n: total, k: size, alpha: scale ?? 1 / Float(size).squareRoot(),
          a: MatrixView(query, leadingDimension: stride),
          b: MatrixView(keys, leadingDimension: size, isTransposed: true), c: scores, ldc: total)
        hide(scores, plan, batch, inputs.input(5))
        Softmax.softmax(scores, into: scores, rows: length, count: total)
        Gemm.sgemm(
          m: length, n: size, k: total, a: MatrixView(scores, leadingDimension: total),
          b: MatrixView(values, leadingDimension: size),
          c: outputs[0].start(as: Float.self) + batch * length * plan.width + head * size,
          ldc: plan.width)
      }
    }
  }

  /// Adds the mask's value to the scores of what is not seen; what a causal mask hides counts nothing.
  private func hide(
    _ scores: UnsafeMutablePointer<Float>, _ plan: Plan, _ batch: Int, _ mask: TensorView?
  ) {
    let (length, total) = (plan.length, plan.total)
    if let mask {
      let numbers = mask.start(as: Int32.self)
      for row in 0..<length {
        for column in 0..<total {
          let isSeen =
            switch mask.shape.count {
            case 1:
              column < Int(numbers[batch])
                && (mask.count == plan.batch || column >= Int(numbers[plan.batch + batch]))
            case 2: numbers[batch * total + column] > 0
            default: numbers[(batch * length + row) * total + column] > 0
            }
          if !isSeen { scores[row * total + column] += maskValue }
        }
      }
    }
    guard isCausal else { return }
    for row in 0..<length {
      for column in plan.past + row + 1..<max(total, plan.past + row + 1) {
        scores[row * total + column] = -.infinity
      }
    }
  }
}
