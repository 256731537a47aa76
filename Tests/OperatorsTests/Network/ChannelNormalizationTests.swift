import Foundation
import GraphIR
import Tensors
import Testing

/// Batch, instance and group normalisation, and normalisation across channels.
struct ChannelNormalizationTests {
  static let epsilon: Float = 0.01
  /// Normalised values are below 6, scales and biases at most 8: some roundings of numbers up to 64.
  static let tolerance = Tolerance(relative: 0x1p-20, absolute: 64 * 0x1p-22)

  /// The types that group and instance normalisation take; 16 bits round once more.
  static let types: [(@Sendable (NaiveArray) -> Tensor, Tolerance)] = [
    ({ $0.float }, tolerance), ({ $0.double }, Tolerance(absolute: 64 * 0x1p-50)),
    ({ $0.float16 }, Tolerance(relative: 0x1p-10, absolute: tolerance.absolute)),
    ({ $0.bfloat16 }, Tolerance(relative: 0x1p-7, absolute: tolerance.absolute)),
  ]

  /// (x − mean) / √(variance + epsilon) over `groups` runs of channels, not yet scaled.
  static func grouped(_ x: NaiveArray, groups: Int) -> NaiveArray {
    let width = x.shape[1] / groups
    return NaiveArray(x.shape) { index in
      let first = index[1] / width * width
      let row = NaiveArray.indices([width] + x.shape[2...]).map {
        x[[index[0], first + $0[0]] + $0[1...]]
      }
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return (x[index] - mean) / (variance + Double(epsilon)).squareRoot()
    }
  }

  @Test(arguments: [([2, 6, 3, 2], 3), ([1, 4, 5], 1), ([2, 4, 9], 4), ([3, 4], 2)], [18, 21])
  func group(_ setting: ([Int], Int), _ opset: Int) throws {
    let (shape, groups) = setting
    let x = NaiveArray(integers: shape)
    let parameters = opset < 21 ? groups : shape[1]
    let scale = NaiveArray(integers: [parameters], seed: 2)
    let bias = NaiveArray(integers: [parameters], seed: 3)
    let normalized = Self.grouped(x, groups: groups)
    let y = NaiveArray(shape) { index in
      let parameter = [index[1] * parameters / shape[1]]
      return normalized[index] * scale[parameter] + bias[parameter]
    }
    let attributes = [Attribute("num_groups", groups), Attribute("epsilon", Self.epsilon)]
    for (type, tolerance) in Self.types {
      try OperatorCase(
        "GroupNormalization", opset: opset, [x, scale, bias].map(type), attributes,
        gives: [type(y)], tolerance: tolerance
      ).check()
    }
  }

  @Test(arguments: [[2, 3, 4, 5], [1, 2, 17], [0, 2, 3]]) func instance(_ shape: [Int]) throws {
    let x = NaiveArray(integers: shape)
    let scale = NaiveArray(integers: [shape[1]], seed: 2)
    let bias = NaiveArray(integers: [shape[1]], seed: 3)
    let normalized = Self.grouped(x, groups: shape[1])
    let y = NaiveArray(shape) { normalized[$0] * scale[[$0[1]]] + bias[[$0[1]]] }
    for (type, tolerance) in Self.types {
      try OperatorCase(
        "InstanceNormalization", [x, scale, bias].map(type),
        [Attribute("epsilon", Self.epsilon)], gives: [type(y)], tolerance: tolerance
      ).check()
    }
  }

  @Test(arguments: [[2, 3, 4, 5], [4, 3], [1, 5, 19]], [7, 9, 14, 15])
  func batch(_ shape: [Int], _ opset: Int) throws {
    let x = NaiveArray(integers: shape)
    let scale = NaiveArray(integers: [shape[1]], seed: 2)
    let bias = NaiveArray(integers: [shape[1]], seed: 3)
    let mean = NaiveArray(integers: [shape[1]], seed: 4)
    let variance = NaiveArray([shape[1]]) { Double($0[0]) + 0.5 }
    let y = NaiveArray(shape) { index in
      let channel = [index[1]]
      return (x[index] - mean[channel])
        / (variance[channel] + Double(Self.epsilon)).squareRoot() * scale[channel] + bias[channel]
    }
    // The difference is taken after scaling: numbers up to 128 round before they cancel.
    try OperatorCase(
      "BatchNormalization", opset: opset,
      [x.float, scale.float, bias.float, mean.float, variance.float],
      [Attribute("epsilon", Self.epsilon)], gives: [y.float],
      tolerance: Tolerance(relative: 0x1p-20, absolute: 128 * 0x1p-21)
    ).check()
  }

  @Test(arguments: [1, 2, 3, 4, 9]) func acrossChannels(_ size: Int) throws {
    let x = NaiveArray(integers: [2, 5, 3])
    let y = NaiveArray(x.shape) { index in
      let channels = (index[1] - (size - 1) / 2)...(index[1] + size / 2)
      let squares = channels.reduce(0.0) { sum, channel in
        let value = x.inside([index[0], channel, index[2]]) ?? 0
        return sum + value * value
      }
      return x[index] / pow(2 + 0.5 / Double(size) * squares, 0.75)
    }
    try OperatorCase(
      "LRN", [x.float],
      [Attribute("size", size), Attribute("alpha", Float(0.5)), Attribute("bias", Float(2))],
      gives: [y.float], tolerance: Tolerance(relative: 0x1p-23)
    ).check()
  }

  /// Training normalises by the statistics of x and moves the stored ones towards them.
  @Test(arguments: [9, 15]) func training(_ opset: Int) throws {
    let x = NaiveArray(integers: [2, 3, 5])
    let parameters = (2..<6).map { NaiveArray(integers: [3], seed: $0) }
    let rows = (0..<3).map { c in x.values.indices.filter { $0 / 5 % 3 == c }.map { x.values[$0] } }
    let means = rows.map { $0.reduce(0, +) / 10 }
    let variances = zip(rows, means).map { row, mean in
      row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10
    }
    let y = NaiveArray(x.shape) { index in
      let c = index[1]
      let normalized = (x[index] - means[c]) / (variances[c] + Double(Self.epsilon)).squareRoot()
      return normalized * parameters[0][[c]] + parameters[1][[c]]
    }
    // Three quarters are exact, as are the small integers.
    func moved(_ stored: NaiveArray, _ current: [Double]) -> Tensor {
      NaiveArray([3]) { 0.75 * stored[$0] + 0.25 * current[$0[0]] }.double
    }
    let outputs: [Tensor?] = [
      y.double, moved(parameters[2], means), moved(parameters[3], variances),
      NaiveArray([3]) { means[$0[0]] }.double, NaiveArray([3]) { variances[$0[0]] }.double,
    ]
    try OperatorCase(
      "BatchNormalization", opset: opset, [x.double] + parameters.map(\.double),
      [Attribute("epsilon", Self.epsilon), Attribute("momentum", Float(0.75))]
        + (opset < 14 ? [] : [Attribute("training_mode", 1)]),
      gives: Array(outputs.prefix(opset < 14 ? 5 : 3)),
      tolerance: Tolerance(relative: 0x1p-48, absolute: 0x1p-46)
    ).check()
  }

  /// Statistics of their own for each position, and one channel without an axis.
  @Test func batchWithoutChannels() throws {
    let zeros = Tensor([0, 0, 0, 0] as [Float], shape: [2, 2])
    let ones = Tensor([1, 1, 1, 1] as [Float], shape: [2, 2])
    let scale = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    try OperatorCase(
      "BatchNormalization", opset: 7,
      [Tensor([1, 1, 1, 1, 2, 2, 2, 2] as [Float], shape: [2, 2, 2]), scale, zeros, zeros, ones],
      [Attribute("spatial", 0), Attribute("epsilon", Float(0))],
      gives: [Tensor([1, 2, 3, 4, 2, 4, 6, 8] as [Float], shape: [2, 2, 2])]
    ).check()
    try OperatorCase(
      "BatchNormalization",
      [Tensor([1, 2] as [Float])] + ([2, 3, 1, 4] as [Float]).map { Tensor([$0]) },
      [Attribute("epsilon", Float(0))], gives: [Tensor([3, 4] as [Float])]
    ).check()
  }

  /// A mean, a deviation, a quotient: a few roundings of double, then one of the type.
  @Test(arguments: [[0], [1, -1], [0, 2, 3]]) func meanVariance(_ axes: [Int]) throws {
    let x = NaiveArray(integers: [2, 3, 4, 2])
    let reduced = axes.map { $0 < 0 ? $0 + 4 : $0 }
    let y = NaiveArray(x.shape) { index in
      let row = NaiveArray.indices(x.shape).filter { other in
        (0..<4).allSatisfy { reduced.contains($0) || other[$0] == index[$0] }
      }.map { x[$0] }
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return (x[index] - mean) / (variance.squareRoot() + 1e-9)
    }
    let attributes = [Attribute("axes", axes)]
    try OperatorCase(
      "MeanVarianceNormalization", [x.double], attributes, gives: [y.double],
      tolerance: Tolerance(relative: 0x1p-46, absolute: 0x1p-46)
    ).check()
    try OperatorCase(
      "MeanVarianceNormalization", [x.float], attributes, gives: [y.float],
      tolerance: Tolerance(relative: 0x1p-23, absolute: 0x1p-40)
    ).check()
  }

  static let norms = [
    OperatorCase(
      "LpNormalization", [Tensor([3, 4, 0, 0] as [Float], shape: [2, 2])],
      gives: [Tensor([0.6, 0.8, 0, 0] as [Float], shape: [2, 2])]),
    OperatorCase(
      "LpNormalization", [Tensor([3, 4, 1, -4] as [Double], shape: [2, 2])],
      [Attribute("axis", 0), Attribute("p", 1)],
      gives: [Tensor([0.75, 0.5, 0.25, -0.5] as [Double], shape: [2, 2])]),
    OperatorCase(
      "LRN", [Tensor([2, 0] as [Double], shape: [1, 2])],
      [Attribute("size", 1), Attribute("alpha", Float(1)), Attribute("beta", Float(1))],
      gives: [Tensor([0.4, 0] as [Double], shape: [1, 2])]),
  ]

  @Test(arguments: norms) func norm(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }

  static let x = NaiveArray(integers: [1, 3, 2]).float
  static let three = NaiveArray(integers: [3]).float

  static let failures = [
    OperatorCase(
      "GroupNormalization", [x, three, three], [Attribute("num_groups", 2)],
      fails: "channels do not fit 2 groups, got [1, 3, 2]"),
    OperatorCase(
      "GroupNormalization", [x, three, three], [Attribute("num_groups", 0)],
      fails: "attribute 'num_groups' must be positive, got 0"),
    OperatorCase(
      "GroupNormalization", opset: 18, [x, three, three], [Attribute("num_groups", 1)],
      fails: "expected scale and bias of shape [1], got [3]"),
    OperatorCase(
      "InstanceNormalization", [three, three, three],
      fails: "expected at least two axes, got [3]"),
    OperatorCase(
      "BatchNormalization", [x, three, three, three, NaiveArray(integers: [2]).float],
      fails: "expected statistics of shape [3], got [2]"),
    OperatorCase(
      "BatchNormalization", opset: 7, [x, three, three, three, three], [Attribute("spatial", 0)],
      fails: "expected statistics of shape [3, 2], got [3]"),
    OperatorCase(
      "BatchNormalization", opset: 6, [x, three, three, three, three],
      fails: "BatchNormalization with is_test 0 is not supported"),
    OperatorCase(
      "MeanVarianceNormalization", [x], fails: "axis 3 is out of range for rank 3"),
    OperatorCase(
      "LpNormalization", [x], [Attribute("p", 3)],
      fails: "attribute 'p': expected 1 or 2, got 3"),
    OperatorCase(
      "LRN", [x], [Attribute("size", 0)], fails: "attribute 'size' must be positive, got 0"),
    OperatorCase("LRN", [x], fails: "attribute 'size' is missing"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
