import Kernels
import Tensors

/// What the attention operators of `com.microsoft` add to the scores of a row: `filter` for keys that
/// the mask leaves out, a bias, and −∞ for keys behind the query where attention is unidirectional.
struct KeyMask {
  /// How a mask of int32 tells which keys there are.
  enum Form {
    case none
    /// The end of each sample's keys, and behind all ends their starts.
    case ends(hasStarts: Bool)
    /// Positive for keys of each sample, for all queries or for each.
    case flags(perQuery: Bool)
  }

  let form: Form
  let filter: Float
  let isUnidirectional: Bool
  let samples, queries, past, total: Int

  /// - Parameter type: the mask's, if there is one.
  /// - Throws: `OperatorError`, as `form`.
  init(
    _ type: ArrayType?, filter: Float, isUnidirectional: Bool, samples: Int, queries: Int,
    past: Int, total: Int
  ) throws(OperatorError) {
    form = try Self.form(type, samples: samples, queries: queries, total: total)
    self.filter = filter
    self.isUnidirectional = isUnidirectional
    (self.samples, self.queries, self.past, self.total) = (samples, queries, past, total)
  }

  /// The form of a mask of some type.
  ///
  /// - Throws: `OperatorError` where there is none.
  static func form(
    _ mask: ArrayType?, samples: Int, queries: Int, total: Int
  ) throws(OperatorError) -> Form {
    guard let mask else { return .none }
    guard mask.elementType == .int32 else {
      throw OperatorError(.typeMismatch, "mask: expected int32, got \(mask.elementType)")
    }
    switch mask.shape {
    case [samples]: return .ends(hasStarts: false)
    case [saturatingProduct([2, samples])]: return .ends(hasStarts: true)
    case [samples, total]: return .flags(perQuery: false)
    case [samples, queries, total]: return .flags(perQuery: true)
    default:
      throw OperatorError(
        .unsupported,
        "a mask of shape \(mask.shape) for \(samples) samples of \(total) keys is not supported")
    }
  }

  /// Checks that a bias broadcasts to the scores.
  static func check(
    bias: ArrayType?, like type: ArrayType, _ scores: [Int]
  ) throws(OperatorError) {
    guard let bias else { return }
    try expectSameType(type, bias)
    guard bias.shape.count == 4, Layout(contiguous: bias.shape).broadcast(to: scores) != nil,
      bias.shape[2...] == scores[2...]
    else {
      throw OperatorError(
        .shapeMismatch, "attention_bias: expected \(scores), got \(bias.shape)")
    }
  }

  /// Turns the scores of some rows of one head into weights.
  func weigh(
    _ scores: UnsafeMutablePointer<Float>, _ sample: Int, _ rows: Range<Int>, mask: TensorView?,
    bias: (terms: UnsafePointer<Float>, rowStride: Int)?
  ) {
    for row in rows {
      let row = (index: row, scores: scores + (row - rows.lowerBound) * total)
      if let mask { add(mask, to: row.scores, sample, row.index) }
      if let bias {
        let terms = bias.terms + row.index * bias.rowStride
        for key in 0..<total { row.scores[key] += terms[key] }
      }
      guard isUnidirectional, past + row.index + 1 < total else { continue }
      let first = past + row.index + 1
      (row.scores + first).update(repeating: -.infinity, count: total - first)
    }
    Softmax.softmax(scores, into: scores, rows: rows.count, count: total)
  }

  private func add(
    _ mask: TensorView, to scores: UnsafeMutablePointer<Float>, _ sample: Int, _ row: Int
  ) {
    let values = mask.elements(of: Int32.self)
    switch form {
    case .none: break
    case .ends(let hasStarts):
      let end = min(max(Int(values[sample]), 0), total)
      let start = hasStarts ? min(max(Int(values[samples + sample]), 0), total) : 0
      for key in end..<total { scores[key] += filter }
      for key in 0..<min(start, end) { scores[key] += filter }
    case .flags(let perQuery):
      let first = (perQuery ? sample * queries + row : sample) * total
      for key in 0..<total where values[first + key] <= 0 { scores[key] += filter }
    }
  }
}

/// A bias of attention, as [samples, heads, queries, keys] repeats it.
struct AttentionBiasView {
  private let terms: UnsafePointer<Float>
  private let strides: [Int]

  init?(_ view: TensorView?, _ scores: [Int]) {
    guard let view, let layout = view.layout.broadcast(to: scores) else { return nil }
    terms = view.pointer()
    strides = layout.strides
  }

  func rows(_ sample: Int, _ head: Int) -> (terms: UnsafePointer<Float>, rowStride: Int) {
    (terms + sample * strides[0] + head * strides[1], strides[2])
  }
}
