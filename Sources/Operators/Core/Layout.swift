/// Where the elements of a view lie in a buffer: a shape, and the distance between neighbours along
/// each axis, in elements.
package struct Layout: Sendable, Hashable {
  package var shape: [Int]
  /// Zero along an axis that repeats one element; negative along one that is reversed.
  package var strides: [Int]
  /// The first element's distance from the buffer's start, in elements.
  package var offset: Int

  package init(shape: [Int], strides: [Int], offset: Int = 0) {
    precondition(shape.count == strides.count)
    self.shape = shape
    self.strides = strides
    self.offset = offset
  }

  /// Packed and row-major.
  package init(contiguous shape: [Int]) {
    self.init(shape: shape, strides: Layout.packedStrides(of: shape))
  }

  package var count: Int { shape.reduce(1, *) }

  /// Whether elements lie packed in row-major order. The offset may be anything.
  package var isContiguous: Bool {
    var expected = 1
    for axis in shape.indices.reversed() where shape[axis] != 1 {
      if shape[axis] == 0 { return true }
      if strides[axis] != expected { return false }
      expected *= shape[axis]
    }
    return true
  }

  /// The row-major strides of `shape`.
  package static func packedStrides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  /// The layout seen with its axes in another order.
  package func transposed(_ permutation: [Int]) -> Layout {
    Layout(
      shape: permutation.map { shape[$0] }, strides: permutation.map { strides[$0] }, offset: offset
    )
  }

  /// The layout under another shape of the same size, or `nil` where that needs a copy.
  package func reshaped(_ newShape: [Int]) -> Layout? {
    if isContiguous {
      return Layout(
        shape: newShape, strides: Layout.packedStrides(of: newShape), offset: offset)
    }
    // Match runs of axes with equal products; a run of old axes must itself be packed.
    var newStrides = [Int](repeating: 0, count: newShape.count)
    let old = shape.indices.filter { shape[$0] != 1 }
    var (i, j) = (0, 0)
    while i < old.count, j < newShape.count {
      var (oldCount, newCount) = (shape[old[i]], newShape[j])
      let (firstOld, firstNew) = (i, j)
      while oldCount != newCount {
        if oldCount < newCount {
          i += 1
          guard i < old.count else { return nil }
          oldCount *= shape[old[i]]
        } else {
          j += 1
          guard j < newShape.count else { return nil }
          newCount *= newShape[j]
        }
      }
      for run in firstOld..<i
      where strides[old[run]] != strides[old[run + 1]] * shape[old[run + 1]] { return nil }
      var stride = strides[old[i]]
      for axis in (firstNew...j).reversed() {
        newStrides[axis] = stride
        stride *= newShape[axis]
      }
      (i, j) = (i + 1, j + 1)
    }
    return Layout(shape: newShape, strides: newStrides, offset: offset)
  }

  /// The layout repeated to `target` by the specification's multidirectional broadcasting, or `nil`
  /// where the shapes do not allow it.
  package func broadcast(to target: [Int]) -> Layout? {
    guard target.count >= shape.count else { return nil }
    let lead = target.count - shape.count
    var result = Layout(
      shape: target, strides: [Int](repeating: 0, count: target.count), offset: offset)
    for axis in shape.indices {
      if shape[axis] == target[lead + axis] {
        result.strides[lead + axis] = strides[axis]
      } else if shape[axis] != 1 {
        return nil
      }
    }
    return result
  }
}

/// The shape that the specification's multidirectional broadcasting gives two shapes.
///
/// - Throws: `OperatorError.shapeMismatch` where two extents differ and neither is 1.
package func broadcastShape(_ a: [Int], _ b: [Int]) throws(OperatorError) -> [Int] {
  var result = [Int](repeating: 1, count: max(a.count, b.count))
  for back in 1...max(result.count, 1) where back <= result.count {
    let x = back <= a.count ? a[a.count - back] : 1
    let y = back <= b.count ? b[b.count - back] : 1
    guard x == y || x == 1 || y == 1 else {
      throw OperatorError(.shapeMismatch, "shapes do not broadcast, got \(a) and \(b)")
    }
    result[result.count - back] = x == 1 ? y : x
  }
  return result
}
