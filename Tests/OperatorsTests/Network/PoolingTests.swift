import Foundation
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

  /// The elements under each window and where they lie, for every index of the result.
  static func windows(_ spatial: SpatialCase, _ x: NaiveArray) -> ([Int]) -> [(Int, Double)] {
    { index in
      NaiveArray.indices(spatial.w).compactMap { kernel in
        let place = Array(index[..<2]) + spatial.place(Array(index[2...]), kernel)
        return x.inside(place).map { value in
          (zip(place, x.shape).reduce(0) { $0 * $1.1 + $1.0 }, value)
        }
      }
    }
  }

  @Test(arguments: cases) func maximum(_ spatial: SpatialCase, _ roundsUp: Bool) throws {
    let x = NaiveArray(integers: spatial.x)
    let windows = Self.windows(spatial, x)
    let shape = Array(x.shape[..<2]) + spatial.output
    let y = NaiveArray(shape) { windows($0).map(\.1).max()! }
    let indices = NaiveArray(shape) { index in
      let elements = windows(index)
      return Double(elements.first { $0.1 == y[index] }!.0)
    }
    let attributes = Self.attributes(spatial, roundsUp)
    try OperatorCase("MaxPool", [x.float], attributes, gives: [y.float]).check()
    try OperatorCase("MaxPool", [x.float16], attributes, gives: [y.float16]).check()
    for (input, output) in [
      (x.float, y.float), (x.double, y.double), (x.bfloat16, y.bfloat16),
      (x.integers(Int8.self), y.integers(Int8.self)),
    ] {
      try OperatorCase(
        "MaxPool", [input], attributes, gives: [output, indices.integers(Int64.self)]
      ).check()
    }
  }

  /// Indices that count columns first, within their planes.
  @Test func columnMajor() throws {
    let x = NaiveArray([1, 2, 2, 3]) { Double($0[2] * 3 + $0[3]) }
    try OperatorCase(
      "MaxPool", [x.integers(UInt8.self)],
      [Attribute("kernel_shape", [2, 2]), Attribute("storage_order", 1)],
      gives: [
        Tensor([4, 5, 4, 5] as [UInt8], shape: [1, 2, 1, 2]),
        Tensor.int64s([3, 5, 9, 11], shape: [1, 2, 1, 2]),
      ]
    ).check()
  }

  /// Sums of powers of small numbers are exact; a root and a rounding, and log and exp, remain.
  @Test(arguments: cases, [1, 2, 3]) func norm(_ setting: (SpatialCase, Bool), _ p: Int) throws {
    let spatial = setting.0
    let x = NaiveArray(integers: spatial.x)
    let windows = Self.windows(spatial, x)
    let y = NaiveArray(Array(x.shape[..<2]) + spatial.output) { index in
      pow(windows(index).reduce(0) { $0 + pow(abs($1.1), Double(p)) }, 1 / Double(p))
    }
    let attributes = Self.attributes(spatial, setting.1) + [Attribute("p", p)]
    try OperatorCase(
      "LpPool", [x.float], attributes, gives: [y.float], tolerance: Tolerance(relative: 0x1p-22)
    ).check()
    try OperatorCase(
      "LpPool", [x.double], attributes, gives: [y.double],
      tolerance: Tolerance(relative: 0x1p-50)
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
    try OperatorCase(
      "AveragePool", [x.double],
      Self.attributes(spatial, windows.1)
        + [Attribute("count_include_pad", countsPadding ? 1 : 0)],
      gives: [y.double], tolerance: Tolerance(relative: 0x1p-52)
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
      "AveragePool", [NaiveArray(integers: [1, 1, 3]).integers(Int8.self)],
      [Attribute("kernel_shape", [1])], fails: "AveragePool of int8 is not supported"),
    OperatorCase(
      "MaxPool", [Tensor([1, 2] as [Float], shape: [1, 1, 1, 1, 1, 2])],
      [Attribute("kernel_shape", [1, 1, 1, 2])],
      gives: [Tensor([2] as [Float], shape: [1, 1, 1, 1, 1, 1])]),
    OperatorCase(
      "GlobalLpPool", [Tensor([3, 4, -6, 8] as [Double], shape: [1, 2, 1, 2])],
      gives: [Tensor([5, 10] as [Double], shape: [1, 2, 1, 1])]),
    OperatorCase(
      "GlobalLpPool", [Tensor([3, -4] as [Float], shape: [1, 1, 2])], [Attribute("p", 1)],
      gives: [Tensor([7] as [Float], shape: [1, 1, 1])]),
    OperatorCase(
      "GlobalAveragePool", [NaiveArray([1, 2, 2]) { Double($0[1] * 4 + $0[2]) }.bfloat16],
      gives: [NaiveArray([1, 2, 1]) { Double($0[1] * 4) + 0.5 }.bfloat16]),
    OperatorCase(
      "LpPool", [Tensor([1] as [Float], shape: [1, 1, 1])],
      [Attribute("kernel_shape", [1]), Attribute("p", 0)],
      fails: "attribute 'p' must be positive, got 0"),
    OperatorCase(
      "MaxUnpool",
      [Tensor([1, 2] as [Float], shape: [1, 1, 2]), Tensor.int64s([1, 2], shape: [1, 1, 2])],
      [Attribute("kernel_shape", [2]), Attribute("strides", [2])],
      gives: [Tensor([0, 1, 2, 0] as [Float], shape: [1, 1, 4])]),
    OperatorCase(
      "MaxUnpool",
      [
        Tensor([1, 2] as [Float], shape: [1, 1, 2]), Tensor.int64s([1, 2], shape: [1, 1, 2]),
        Tensor.int64s([1, 1, 5]),
      ], [Attribute("kernel_shape", [2]), Attribute("strides", [2])],
      gives: [Tensor([0, 1, 2, 0, 0] as [Float], shape: [1, 1, 5])]),
    OperatorCase(
      "MaxUnpool",
      [Tensor([1, 2] as [Float], shape: [1, 1, 2]), Tensor.int64s([1, 4], shape: [1, 1, 2])],
      [Attribute("kernel_shape", [2]), Attribute("strides", [2])],
      fails: "index 4 is out of range for [1, 1, 4]"),
    OperatorCase(
      "MaxUnpool",
      [
        Tensor([1, 2] as [Float], shape: [1, 1, 2]), Tensor.int64s([1, 2], shape: [1, 1, 2]),
        Tensor.int64s([1, 1, 3]),
      ], [Attribute("kernel_shape", [2]), Attribute("strides", [2])],
      fails: "output_shape: expected at least [1, 1, 4], got [1, 1, 3]"),
  ]

  @Test(arguments: others) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
