package import GraphIR
package import Tensors

/// For each class, boxes by falling score, without those that overlap an earlier one too much.
///
/// Shapes: boxes [N, B, 4]; scores [N, classes, B]; max_output_boxes_per_class (0), iou_threshold (0)
/// and score_threshold (none) of one element; selected [any, 3]: image, class, box.
/// Attributes: center_point_box (0): boxes are [y1, x1, y2, x2], two opposite corners in any order, or,
/// with 1, [x, y, width, height] about a centre.
/// A box falls where its intersection over union with one that was taken is above the threshold, or its
/// score is not above its threshold. Of equal scores the first box comes first; NaN comes last.
/// Source: ONNX NonMaxSuppression-10, 11.
package struct NonMaxSuppression: DataDependentOperator {
  package static let signature = OperatorSignature("NonMaxSuppression", since: 10, inputs: 2...5)

  private let isCentered: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    isCentered = try node.flag("center_point_box", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try check(inputs.map { $0?.type })
    return .dependsOnContents
  }

  /// Every box for every class, and the candidates of one class.
  package func largestByteCount(_ inputs: [ArrayType?]) -> Int {
    guard let scores = inputs[1], scores.shape.count == 3 else { return 0 }
    return saturatingSum(
      saturatingProduct(scores.shape + [3 * MemoryLayout<Int64>.stride]),
      saturatingProduct([scores.shape[2], 8 * MemoryLayout<Int>.stride]))
  }

  private func check(_ types: [ArrayType?]) throws(OperatorError) {
    guard types.count > 1, let boxes = types[0], let scores = types[1] else {
      throw OperatorError(.arity, "expected boxes and scores")
    }
    for type in [boxes, scores] {
      try expect("NonMaxSuppression", supports: type.elementType, type.elementType == .float)
    }
    guard boxes.shape.count == 3, scores.shape.count == 3, boxes.shape[2] == 4,
      boxes.shape[0] == scores.shape[0], boxes.shape[1] == scores.shape[2]
    else {
      throw OperatorError(
        .shapeMismatch, "boxes of \(boxes.shape) do not fit scores of \(scores.shape)")
    }
    for (index, type) in types.enumerated().dropFirst(2) {
      guard let type else { continue }
      let expected: ElementType = index == 2 ? .int64 : .float
      guard type.elementType == expected else {
        throw OperatorError(.typeMismatch, "expected \(expected), got \(type.elementType)")
      }
      guard type.count == 1 else {
        throw OperatorError(.shapeMismatch, "expected one element, got \(type.shape)")
      }
    }
  }

  package func evaluate(_ inputs: [Tensor?]) throws(OperatorError) -> [Tensor] {
    try check(inputs.map { $0.map { ArrayType($0) } })
    guard let boxes = inputs[0], let scores = inputs[1] else { return [] }
    func threshold(_ index: Int) -> Float? {
      inputs.count > index ? inputs[index]?.elements(as: Float.self)[0] : nil
    }
    let limit = inputs.input(2)?.elements(as: Int64.self)[0] ?? 0
    let overlap = threshold(3) ?? 0
    guard overlap >= 0, overlap <= 1 else {
      throw OperatorError(.invalidValue, "iou_threshold: expected 0 to 1, got \(overlap)")
    }
    var selected: [Int64] = []
    let (images, classes, count) = (scores.shape[0], scores.shape[1], scores.shape[2])
    guard limit > 0, count > 0 else { return [Tensor(selected, shape: [0, 3])] }
    boxes.withElements(of: Float.self) { boxes in
      scores.withElements(of: Float.self) { scores in
        for image in 0..<images {
          for classIndex in 0..<classes {
            let first = (image * classes + classIndex) * count
            for box in select(
              Int(limit), of: count, overlap: overlap, above: threshold(4),
              score: { scores[first + $0] },
              corners: { corners(boxes, (image * count + $0) * 4) })
            {
              selected += [Int64(image), Int64(classIndex), Int64(box)]
            }
          }
        }
      }
    }
    return [Tensor(selected, shape: [selected.count / 3, 3])]
  }

  private func select(
    _ limit: Int, of count: Int, overlap: Float, above threshold: Float?, score: (Int) -> Float,
    corners: (Int) -> Corners
  ) -> [Int] {
    var candidates = (0..<count).map { (box: $0, score: score($0)) }
    if let threshold { candidates.removeAll { !($0.score > threshold) } }
    candidates.sort { a, b in
      if a.score.isNaN || b.score.isNaN {
        return a.score.isNaN == b.score.isNaN ? a.box < b.box : b.score.isNaN
      }
      return a.score != b.score ? a.score > b.score : a.box < b.box
    }
    var taken: [(box: Int, corners: Corners)] = []
    for candidate in candidates {
      guard taken.count < limit else { break }
      let place = corners(candidate.box)
      if taken.allSatisfy({ !($0.corners.overlap(with: place) > overlap) }) {
        taken.append((candidate.box, place))
      }
    }
    return taken.map(\.box)
  }

  private func corners(_ boxes: Span<Float>, _ start: Int) -> Corners {
    let (a, b, c, d) = (boxes[start], boxes[start + 1], boxes[start + 2], boxes[start + 3])
    guard isCentered else {
      return Corners(left: min(b, d), right: max(b, d), top: min(a, c), bottom: max(a, c))
    }
    return Corners(left: a - c / 2, right: a + c / 2, top: b - d / 2, bottom: b + d / 2)
  }
}

/// A box.
private struct Corners {
  var left, right, top, bottom: Float

  var area: Float { (right - left) * (bottom - top) }

  /// Intersection over union; zero where either is no area.
  func overlap(with other: Corners) -> Float {
    let width = min(right, other.right) - max(left, other.left)
    let height = min(bottom, other.bottom) - max(top, other.top)
    guard width > 0, height > 0, area > 0, other.area > 0 else { return 0 }
    let common = width * height
    let union = area + other.area - common
    return union > 0 ? common / union : 0
  }
}
