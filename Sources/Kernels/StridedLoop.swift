/// A walk over the elements of a contiguous output, with operands read through strides.
///
/// Dimensions that every operand steps through as one are merged, dimensions of extent one dropped, so
/// that the innermost run is as long as it can be and carries the work. Strides count elements; zero
/// broadcasts, negative walks backwards.
package struct StridedLoop: Sendable {
  /// The merged extents, outermost first; the last is the length of a run. Never empty.
  package let extents: [Int]
  /// The strides of each operand over `extents`.
  package let strides: [[Int]]

  /// An operand's place at the start of a run, and its stride along it.
  package struct Place: Sendable {
    package var start: Int
    package var step: Int
  }

  package init(shape: [Int], strides: [[Int]]) {
    precondition(
      strides.allSatisfy { $0.count == shape.count }, "expected one stride per dimension")
    var extents: [Int] = []
    var merged = [[Int]](repeating: [], count: strides.count)
    for axis in shape.indices where shape[axis] != 1 {
      let last = extents.count - 1
      let merges =
        last >= 0
        && strides.indices.allSatisfy { merged[$0][last] == strides[$0][axis] * shape[axis] }
      if merges {
        extents[last] *= shape[axis]
        for operand in strides.indices { merged[operand][last] = strides[operand][axis] }
      } else {
        extents.append(shape[axis])
        for operand in strides.indices { merged[operand].append(strides[operand][axis]) }
      }
    }
    if extents.isEmpty {
      extents = [1]
      merged = merged.map { _ in [0] }
    }
    self.extents = extents
    self.strides = merged
  }

  /// Calls the body for each innermost run with the operands' places, the output's offset and the length.
  @inline(__always)
  package func forEachRun(_ body: ([Place], _ output: Int, _ count: Int) -> Void) {
    guard !extents.contains(0) else { return }
    let inner = extents.count - 1
    var places = strides.map { Place(start: 0, step: $0[inner]) }
    var index = [Int](repeating: 0, count: inner)
    var output = 0
    while true {
      body(places, output, extents[inner])
      output += extents[inner]
      var axis = inner - 1
      while axis >= 0 {
        index[axis] += 1
        for operand in places.indices { places[operand].start += strides[operand][axis] }
        if index[axis] < extents[axis] { break }
        for operand in places.indices {
          places[operand].start -= strides[operand][axis] * extents[axis]
        }
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}

extension StridedLoop {
  /// The strides of a contiguous row-major array.
  package static func contiguousStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }
}
