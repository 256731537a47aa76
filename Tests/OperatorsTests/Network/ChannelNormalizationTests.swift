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
    ({ $0.asFloat16 }, Tolerance(relative: 0x1p-10, absolute: tolerance.absolute)),
    ({ $0.asBFloat16 }, Tolerance(relative: 0x1p-7, absolute: tolerance.absolute)),
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
      "BatchNormalization", [x, three, three, three, three], [Attribute("training_mode", 1)],
      fails: "BatchNormalization in training mode is not supported"),
    OperatorCase(
      "BatchNormalization", opset: 7, [x, three, three, three, three], [Attribute("spatial", 0)],
      fails: "BatchNormalization with spatial 0 is not supported"),
    OperatorCase(
      "LRN", [x], [Attribute("size", 0)], fails: "attribute 'size' must be positive, got 0"),
    OperatorCase("LRN", [x], fails: "attribute 'size' is missing"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
