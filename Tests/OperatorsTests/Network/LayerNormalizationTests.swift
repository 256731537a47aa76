import GraphIR
import Tensors
import Testing

struct LayerNormalizationTests {
  static let epsilon: Float = 0.01

  /// Shapes of x, scale and bias, and the axis.
  static let settings: [([Int], [Int], [Int]?, Int)] = [
    ([3, 7], [7], [7], -1), ([2, 3, 4], [4], nil, 2), ([2, 3, 4], [3, 4], [3, 4], 1),
    ([2, 3, 4], [3, 1], [4], -2), ([2, 3, 4], [1], [], 0), ([5], [5], [1], 0),
    ([2, 0, 4], [4], [4], -1), ([4, 33], [33], [33], 1),
  ]

  /// Mean and variance of the axes from `axis` on, about the element at an index.
  private static func moments(
    _ x: NaiveArray, _ axis: Int, _ index: [Int]
  ) -> (mean: Double, variance: Double, square: Double) {
    let row = NaiveArray.indices(Array(x.shape[axis...])).map { x[Array(index[..<axis]) + $0] }
    let count = Double(row.count)
    let mean = row.reduce(0, +) / count
    return (
      mean, row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count,
      row.reduce(0) { $0 + $1 * $1 } / count
    )
  }

  /// Normalised values are below 6, scales and biases at most 8: some roundings of numbers up to 64.
  static let tolerance = Tolerance(relative: 0x1p-20, absolute: 64 * 0x1p-22)

  static let double = Tolerance(relative: 0x1p-22, absolute: 64 * 0x1p-50)
  static let half = Tolerance(relative: 0x1p-10, absolute: tolerance.absolute)

  @Test(arguments: settings)
  func layer(_ shape: [Int], _ scale: [Int], _ bias: [Int]?, _ axis: Int) throws {
    let x = NaiveArray(integers: shape)
    let gamma = NaiveArray(integers: scale, seed: 2)
    let beta = bias.map { NaiveArray(integers: $0, seed: 3) }
    let first = axis < 0 ? axis + shape.count : axis
    func deviation(_ variance: Double) -> Double { (variance + Double(Self.epsilon)).squareRoot() }
    let y = NaiveArray(shape) { index in
      let (mean, variance, _) = Self.moments(x, first, index)
      return (x[index] - mean) / deviation(variance) * gamma[index] + (beta?[index] ?? 0)
    }
    let outer = shape.indices.map { $0 < first ? shape[$0] : 1 }
    let means = NaiveArray(outer) { Self.moments(x, first, $0).mean }
    let inverses = NaiveArray(outer) { 1 / deviation(Self.moments(x, first, $0).variance) }
    let given = [x, gamma] + (beta.map { [$0] } ?? [])
    let inputs = given.map(\.float)
    let attributes = [Attribute("axis", axis), Attribute("epsilon", Self.epsilon)]
    for outputs in [[y.float], [y.float, means.float, inverses.float]] {
      try OperatorCase(
        "LayerNormalization", inputs, attributes, gives: outputs, tolerance: Self.tolerance
      ).check()
    }
    try OperatorCase(
      "LayerNormalization", given.map(\.double), attributes,
      gives: [y.double, means.float, inverses.float], tolerance: Self.double
    ).check()
    try OperatorCase(
      "LayerNormalization", given.map(\.float16), attributes, gives: [y.float16],
      tolerance: Self.half
    ).check()
    try OperatorCase(
      "LayerNormalization", given.map(\.float16), attributes + [Attribute("stash_type", 16)],
      gives: [y.float16, means.bfloat16, inverses.bfloat16],
      tolerance: Tolerance(relative: 0x1p-7, absolute: Self.half.absolute)
    ).check()
  }

  @Test(arguments: settings)
  func rootMeanSquare(_ shape: [Int], _ scale: [Int], _ bias: [Int]?, _ axis: Int) throws {
    let x = NaiveArray(integers: shape)
    let gamma = NaiveArray(integers: scale, seed: 2)
    let first = axis < 0 ? axis + shape.count : axis
    let y = NaiveArray(shape) { index in
      let square = Self.moments(x, first, index).square
      return x[index] / (square + Double(Self.epsilon)).squareRoot() * gamma[index]
    }
    let inverses = NaiveArray(shape.indices.map { $0 < first ? shape[$0] : 1 }) {
      1 / (Self.moments(x, first, $0).square + Double(Self.epsilon)).squareRoot()
    }
    let attributes = [Attribute("axis", axis), Attribute("epsilon", Self.epsilon)]
    try OperatorCase(
      "RMSNormalization", opset: 23, [x.float, gamma.float], attributes, gives: [y.float],
      tolerance: Self.tolerance
    ).check()
    try OperatorCase(
      "RMSNormalization", opset: 23, [x.double, gamma.double], attributes, gives: [y.double],
      tolerance: Self.double
    ).check()
    // The result has the scale's type.
    try OperatorCase(
      "RMSNormalization", opset: 23, [x.float16, gamma.float], attributes, gives: [y.float],
      tolerance: Self.tolerance
    ).check()
    try OperatorCase(
      "SimplifiedLayerNormalization", [x.float16, gamma.float16], attributes,
      gives: [y.float16, inverses.float], tolerance: Self.half
    ).check()
  }

  static let failures = [
    OperatorCase(
      "LayerNormalization",
      [NaiveArray(integers: [2, 3]).float, NaiveArray(integers: [2]).float],
      fails: "expected scale and bias to broadcast to [3], got [2]"),
    OperatorCase(
      "LayerNormalization",
      [NaiveArray(integers: [2, 3]).float, NaiveArray(integers: [3]).float],
      [Attribute("axis", 2)], fails: "axis 2 is out of range for rank 2"),
    OperatorCase(
      "LayerNormalization",
      [NaiveArray(integers: [2, 0]).float, NaiveArray(integers: [0]).float],
      fails: "cannot normalise over empty axes, got [2, 0]"),
    OperatorCase(
      "RMSNormalization", opset: 23,
      [NaiveArray(integers: [2, 3]).double, NaiveArray(integers: [3]).float],
      fails: "element types differ, got double and float"),
    OperatorCase(
      "LayerNormalization",
      [NaiveArray(integers: [2, 3]).float, NaiveArray(integers: [3]).float],
      [Attribute("stash_type", 7)],
      fails: "stash_type: expected a floating-point type, got int64"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
