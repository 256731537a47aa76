import Tensors

/// Which scale belongs to which element of a tensor: one to all, one to each place along an axis, or one
/// to each block of neighbours along it.
///
/// Shapes: tensor [outer, axis, inner]; scales [] or [1], [axis], or [outer, ⌈axis / block⌉, inner].
struct Granularity {
  private let count: Int
  private let extent: Int
  private let inner: Int
  /// The places along the axis that share a scale; 0 where a scale has no other axis.
  private let block: Int

  /// - Parameters:
  ///   - axis: counted from the end where negative; looked at where there is more than one scale.
  ///   - blockSize: 0 where scales are no blocks'.
  /// - Throws: `OperatorError` where the scales' shape does not fit.
  init(
    _ shape: [Int], scales: [Int], axis: Int, blockSize: Int
  ) throws(OperatorError) {
    count = shape.reduce(1, *)
    guard blockSize >= 0 else {
      throw OperatorError(
        .invalidAttribute, "attribute 'block_size' must not be negative, got \(blockSize)")
    }
    if scales.isEmpty || scales == [1] {
      (extent, inner, block) = (1, max(count, 1), 0)
      return
    }
    let axis = try normalizedAxis(axis, rank: shape.count)
    var expected = [shape[axis]]
    if blockSize > 0 {
      expected = shape
      expected[axis] = shape[axis] == 0 ? 0 : (shape[axis] - 1) / blockSize + 1
    }
    guard scales == expected else {
      throw OperatorError(
        .shapeMismatch, "expected scales of shape \(expected) for \(shape), got \(scales)")
    }
    extent = shape[axis]
    inner = shape[(axis + 1)...].reduce(1, *)
    block = blockSize
  }

  /// Calls the body for runs of neighbours: where each starts, its length, and its first element's scale.
  /// The scales of the others follow `step` apart.
  @inline(__always)
  func forEachRun(_ body: (_ start: Int, _ count: Int, _ scale: Int, _ step: Int) -> Void) {
    guard count > 0 else { return }
    let rows = count / (extent * inner)
    if block == 0 {
      for row in 0..<rows {
        if inner == 1 {
          body(row * extent, extent, 0, 1)
        } else {
          for place in 0..<extent { body((row * extent + place) * inner, inner, place, 0) }
        }
      }
      return
    }
    let blocks = (extent - 1) / block + 1
    for row in 0..<rows {
      if inner == 1 {
        for index in 0..<blocks {
          let first = index * block
          body(row * extent + first, min(block, extent - first), row * blocks + index, 0)
        }
      } else {
        for place in 0..<extent {
          body(
            (row * extent + place) * inner, inner, (row * blocks + place / block) * inner, 1)
        }
      }
    }
  }
}
