import GraphIR
import Tensors
import Testing

struct PoolingTests {
  /// Windows over x, and whether their number rounds up; `w` is the kernel alone. The last case drops a
  /// window that would start in the padding.
  static let cases: [(SpatialCase, Bool)] = [
    (
      SpatialCase(
        x: [2, 3, 7], w: [3], strides: [2], dilations: [1], padsBegin: [1], padsEnd: [1],
        output: [4]), false
    ),
    (
      SpatialCase(
        x: [1, 2, 6, 7], w: [2, 3], strides: [1, 2], dilations: [2, 1], padsBegin: [0, 1],
        padsEnd: [1, 1], output: [5, 4]), false
    ),
    (
      SpatialCase(
        x: [1, 2, 5, 5], w: [2, 2], strides: [2, 2], dilations: [1, 1], autoPad: "SAME_UPPER",
        padsBegin: [0, 0], padsEnd: [1, 1], output: [3, 3]), false
    ),
    (
      SpatialCase(
        x: [1, 2, 5, 5], w: [2, 2], strides: [2, 2], dilations: [1, 1], autoPad: "SAME_LOWER",
        padsBegin: [1, 1], padsEnd: [0, 0], output: [3, 3]), false
    ),
    (
      SpatialCase(
        x: [1, 1, 3, 4, 3], w: [2, 2, 2], strides: [1, 2, 1], dilations: [1, 1, 2],
        padsBegin: [0, 0, 1], padsEnd: [0, 0, 1], output: [2, 2, 3]), false
    ),
    (
      SpatialCase(
        x: [1, 2, 6, 6], w: [3, 3], strides: [2, 2], dilations: [1, 1], padsBegin: [0, 0],
        padsEnd: [0, 0], output: [3, 3]), true
    ),
    (
      SpatialCase(
        x: [1, 2, 2, 2], w: [1, 1], strides: [2, 2], dilations: [1, 1], padsBegin: [0, 0],
        padsEnd: [1, 1], output: [1, 1]), true
    ),
  ]

  static func attributes(_ spatial: SpatialCase, _ roundsUp: Bool) -> [Attribute] {
    spatial.windowAttributes
      + [Attribute("kernel_shape", spatial.w), Attribute("ceil_mode", roundsUp ? 1 : 0)]
  }

  @Test(arguments: cases) func maximum(_ spatial: SpatialCase, _ roundsUp: Bool) throws {
    let x = NaiveArray(integers: spatial.x)
    let y = NaiveArray(Array(x.shape[..<2]) + spatial.output) { index in
      NaiveArray.indices(spatial.w).compactMap {
        x.inside(Array(index[..<2]) + spatial.place(Array(index[2...]), $0))
      }.max()!
    }
    try OperatorCase(
      "MaxPool", [x.float], Self.attributes(spatial, roundsUp), gives: [y.float]
    ).check()
  }

  /// One rounding of a sum that is exact, and of the division: 2^-23 relative.
  @Test(arguments: cases, [false, true])
  func average(_ windows: (SpatialCase, Bool), _ countsPadding: Bool) throws {
    let spatial = windows.0
    let x = NaiveArray(integers: spatial.x)
    let y = NaiveArray(Array(x.shape[..<2]) + spatial.output) { index in
      let places = NaiveArray.indices(spatial.w).map { spatial.place(Array(index[2...]), $0) }
      let values = places.compactMap { x.inside(Array(index[..<2]) + $0) }
      let padded = places.count { place in
        place.indices.allSatisfy {
          place[$0] >= -spatial.padsBegin[$0] && place[$0] < x.shape[$0 + 2] + spatial.padsEnd[$0]
        }
      }
      return values.reduce(0, +) / Double(countsPadding ? padded : values.count)
    }
    try OperatorCase(
      "AveragePool", [x.float],
      Self.attributes(spatial, windows.1)
        + [Attribute("count_include_pad", countsPadding ? 1 : 0)],
      gives: [y.float], tolerance: Tolerance(relative: 0x1p-23)
    ).check()
  }

  static let others = [
    OperatorCase(
      "GlobalAveragePool", [Tensor([1, 2, 3, 6, -1, 1, 5, 7] as [Float], shape: [1, 2, 2, 2])],
      gives: [Tensor([3, 3] as [Float], shape: [1, 2, 1, 1])]),
    OperatorCase(
      "GlobalMaxPool", [Tensor([1, 2, 3, 6, -1, .nan, 5, 7] as [Float], shape: [1, 2, 4])],
      gives: [Tensor([6, .nan] as [Float], shape: [1, 2, 1])]),
    OperatorCase(
      "GlobalMaxPool", [Tensor([] as [Float], shape: [1, 2, 0])],
      fails: "expected spatial axes that are not empty, got [1, 2, 0]"),
    OperatorCase(
      "MaxPool", [Tensor([1] as [Float], shape: [1, 1, 1])],
      fails: "attribute 'kernel_shape' is missing"),
    OperatorCase(
      "MaxPool", [Tensor([1, 2] as [Float])], [Attribute("kernel_shape", [1])],
      fails: "expected at least three axes, got [2]"),
    OperatorCase(
      "AveragePool", [NaiveArray(integers: [1, 1, 3]).double], [Attribute("kernel_shape", [1])],
      fails: "AveragePool of double is not supported"),
    OperatorCase(
      "MaxPool", [Tensor([1] as [Float], shape: [1, 1, 1, 1, 1, 1])],
      [Attribute("kernel_shape", [1, 1, 1, 1])], fails: "4 spatial axes are not supported"),
  ]

  @Test(arguments: others) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
