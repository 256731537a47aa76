import Tensors

/// How the inputs of `Attention` fit together.
struct AttentionExtents {
  let samples, heads, keyHeads: Int
  let t, s, d, e: Int
  /// Keys of the past; `nil` where there is no past.
  let pastCount: Int?
  /// Whether heads lie beside one another, in inputs of three axes.
  let isFlat: Bool

  var past: Int { pastCount ?? 0 }
  /// Keys of the past and the present.
  var total: Int { past + s }

  func layout(_ heads: Int, _ rows: Int, _ width: Int) -> HeadLayout {
    isFlat
      ? .rowsFirst(heads: heads, rows: rows, width: width)
      : .headsFirst(heads: heads, rows: rows, width: width)
  }

  init(_ inputs: [ArrayType?], _ queryHeads: Int?, _ keyHeads: Int?) throws(OperatorError) {
    let shapes = inputs.prefix(3).map { $0!.shape }
    isFlat = shapes[0].count == 3
    var split: [[Int]] = []
    for (shape, heads) in zip(shapes, [queryHeads, keyHeads, keyHeads]) {
      guard shape.count == shapes[0].count, shape.count == 3 || shape.count == 4 else {
        throw OperatorError(
          .shapeMismatch, "expected three or four axes in Q, K and V, got \(shapes)")
      }
      guard isFlat else {
        split.append(shape)
        continue
      }
      guard let heads else {
        throw OperatorError(
          .invalidAttribute, "attributes 'q_num_heads' and 'kv_num_heads' are missing")
      }
      guard shape[2] % heads == 0 else {
        throw OperatorError(
          .shapeMismatch, "expected a width that \(heads) heads divide, got \(shape)")
      }
      split.append([shape[0], heads, shape[1], shape[2] / heads])
    }
    (samples, heads, t, d) = (split[0][0], split[0][1], split[0][2], split[0][3])
    (self.keyHeads, s, e) = (split[1][1], split[1][2], split[2][3])
    guard split[1] == [samples, self.keyHeads, s, d], split[2] == [samples, self.keyHeads, s, e],
      heads == 0 || (self.keyHeads > 0 && heads % self.keyHeads == 0)
    else {
      throw OperatorError(.shapeMismatch, "Q, K and V do not fit, got \(shapes)")
    }
    let (pastKey, pastValue) = (inputs.input(4), inputs.input(5))
    pastCount = try Self.past(pastKey, pastValue, [samples, self.keyHeads], d, e)
    let (sum, overflow) = (pastCount ?? 0).addingReportingOverflow(s)
    guard !overflow else {
      throw OperatorError(.invalidShape, "past and present keys overflow, got \(pastKey!.shape)")
    }
    try checkProducts(
      [samples, heads, t, max(d, e)], [samples, self.keyHeads, sum, max(d, e)],
      [samples, heads, t, sum])
    try check(mask: inputs.input(3)?.shape, total: sum)
    if let lengths = inputs.input(6) {
      guard lengths.elementType == .int64, lengths.shape == [samples] else {
        throw OperatorError(
          .shapeMismatch, "nonpad_kv_seqlen: expected int64[\(samples)], got \(lengths)")
      }
      guard pastCount == nil else {
        throw OperatorError(.arity, "nonpad_kv_seqlen and past_key exclude each other")
      }
    }
  }

  private static func past(
    _ key: ArrayType?, _ value: ArrayType?, _ lead: [Int], _ d: Int, _ e: Int
  ) throws(OperatorError) -> Int? {
    guard key != nil || value != nil else { return nil }
    guard let key = key?.shape, let value = value?.shape, key.count == 4,
      key == lead + [key[2], d], value == lead + [key[2], e]
    else {
      throw OperatorError(
        .shapeMismatch,
        "expected past_key and past_value of shapes \(lead + [d]) and \(lead + [e]) around the keys"
          + ", got \(key?.shape ?? []) and \(value?.shape ?? [])")
    }
    return key[2]
  }

  private func check(mask: [Int]?, total: Int) throws(OperatorError) {
    guard let mask else { return }
    guard let reached = mask.last, reached <= total,
      Layout(contiguous: mask).broadcast(to: [samples, heads, t, reached]) != nil
    else {
      throw OperatorError(
        .shapeMismatch,
        "expected a mask that broadcasts to \([samples, heads, t, total]), got \(mask)")
    }
  }
}

/// - Throws: `OperatorError.invalidShape` where the product of a shape's extents overflows, zeros left out.
func checkProducts(_ shapes: [Int]...) throws(OperatorError) {
  for shape in shapes { _ = try ArrayType(.double, shape).checked() }
}

/// What `Attention` adds to the scores.
struct AttentionBias<Element: RowElement> {
  private let mask: TensorView?
  private let strides: [Int]
  /// The keys that the mask reaches, and all.
  private let reached, total: Int
  /// The keys of each sample that are no padding.
  private let lengths: [Int]?
  /// How far a query sees to both sides; `nil` is without bound.
  private let left, right: Int?
  /// The first query's place among the keys of each sample.
  private let offsets: [Int]

  /// The mask's leading axes broadcast to those of `extents`, which are samples, heads, queries and keys.
  init(
    mask: TensorView?, extents: [Int], lengths: [Int]?, isCausal: Bool,
    window: (left: Int, right: Int), past: Int?
  ) {
    self.mask = mask
    self.lengths = lengths
    total = extents[3]
    let reached = mask?.shape.last ?? total
    self.reached = reached
    strides = mask?.layout.broadcast(to: extents.dropLast() + [reached])?.strides ?? []
    left = window.left < 0 ? nil : window.left
    right = isCausal ? 0 : window.right < 0 ? nil : window.right
    offsets =
      past == nil
      ? lengths?.map { $0 - extents[2] } ?? [Int](repeating: 0, count: extents[0])
      : [Int](repeating: past ?? 0, count: extents[0])
  }

  /// Adds to the scores of a row and says whether any key is left to it.
  func add(
    to scores: UnsafeMutablePointer<Element>, _ sample: Int, _ head: Int, _ row: Int
  ) -> Bool {
    let place = offsets[sample] + row
    var end = min(reached, lengths?[sample] ?? total)
    // A key j is seen where place - left <= j <= place + right.
    if let right, right < total { end = min(end, place + right + 1) }
    end = max(end, 0)
    var start = 0
    if let left, left < place { start = min(place - left, end) }
    scores.update(repeating: -.infinity, count: start)
    (scores + end).update(repeating: -.infinity, count: total - end)
    guard start < end else { return false }
    guard let mask else { return true }
    let first = sample * strides[0] + head * strides[1] + row * strides[2]
    var hasKeys = false
    if mask.elementType == .bool {
      let bits = mask.start(as: UInt8.self) + first
      for key in start..<end {
        if bits[key * strides[3]] == 0 { scores[key] = -.infinity } else { hasKeys = true }
      }
    } else {
      let terms = mask.start(as: Element.self) + first
      for key in start..<end {
        let term = terms[key * strides[3]]
        scores[key] += term
        if term != -.infinity { hasKeys = true }
      }
    }
    return hasKeys
  }
}
