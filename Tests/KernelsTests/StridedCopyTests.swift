import Kernels
import Testing

@Suite struct StridedCopyTests {
  static let cases: [([Int], [Int])] = [
    ([5, 7], [1, 0]), ([19, 33], [1, 0]), ([2, 9, 3, 11], [0, 2, 1, 3]),
    ([2, 9, 3, 11], [0, 2, 3, 1]), ([3, 4, 17, 10], [3, 1, 2, 0]), ([4], [0]), ([0, 3], [1, 0]),
  ]

  @Test(arguments: cases) func transposesAnyPermutation(shape: [Int], permutation: [Int]) {
    let count = shape.reduce(1, *)
    let x = (0..<count).map(Int32.init)
    let own = StridedLoop.contiguousStrides(shape)
    let (target, strides) = (permutation.map { shape[$0] }, permutation.map { own[$0] })
    let expected = (0..<count).map { flat in
      var (rest, offset) = (flat, 0)
      for axis in target.indices.reversed() {
        offset += rest % target[axis] * strides[axis]
        rest /= target[axis]
      }
      return x[offset]
    }
    var y = [Int32](repeating: -1, count: count)
    StridedCopy.copy(x, strides: strides, into: &y, shape: target, elementSize: 4)
    #expect(y == expected)
  }
}
