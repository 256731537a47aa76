import Foundation
import GraphIR
import Tensors
import Testing

/// Operators of com.microsoft but attention; tools/oracles holds them against onnxruntime.
struct MicrosoftOperatorTests {
  static let domain = "com.microsoft"
  static let x = NaiveArray(eighths: [2, 3, 4])
  static let bias = NaiveArray(eighths: [4], seed: 2)
  static let skip = NaiveArray(eighths: [2, 3, 4], seed: 3)
  /// A few roundings of numbers below 16.
  static let tolerance = Tolerance(relative: 0x1p-20, absolute: 16 * 0x1p-22)
  static let half = Tolerance(relative: 0x1p-10, absolute: 0x1p-18)

  static func gelu(_ x: Double) -> Double { x / 2 * erfc(-x / 2.0.squareRoot()) }

  static func fast(_ x: Double) -> Double {
    x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  static func microsoft(
    _ name: String, _ inputs: [Tensor?], _ attributes: [Attribute] = [], gives outputs: [Tensor?],
    _ tolerance: Tolerance = tolerance
  ) -> OperatorCase {
    OperatorCase(
      name, domain: domain, opset: 1, inputs, attributes, gives: outputs, tolerance: tolerance)
  }

  static func microsoft(
    _ name: String, _ inputs: [Tensor?], _ attributes: [Attribute] = [], fails message: String
  ) -> OperatorCase {
    OperatorCase(name, domain: domain, opset: 1, inputs, attributes, fails: message)
  }

  static let activations: [OperatorCase] = {
    let sums = NaiveArray(x.shape) { x[$0] + bias[[$0[2]]] }
    let exact = NaiveArray(x.shape) { gelu(sums[$0]) }
    let quick = NaiveArray(x.shape) { x[$0] / (1 + exp(-Double(Float(1.702)) * x[$0])) }
    let split = NaiveArray([2, 3, 2]) { index in
      sums[index] * gelu(sums[[index[0], index[1], index[2] + 2]])
    }
    let added = NaiveArray(x.shape) { sums[$0] + skip[$0] }
    return [
      microsoft("BiasGelu", [x.float, bias.float], gives: [exact.float]),
      microsoft("BiasGelu", [x.double, bias.double], gives: [exact.double]),
      microsoft("BiasGelu", [x.float16, bias.float16], gives: [exact.float16], half),
      microsoft(
        "FastGelu", [x.float, bias.float], gives: [NaiveArray(x.shape) { fast(sums[$0]) }.float]),
      microsoft("FastGelu", [x.float], gives: [NaiveArray(x.shape) { fast(x[$0]) }.float]),
      microsoft("FastGelu", [x.double], gives: [NaiveArray(x.shape) { fast(x[$0]) }.double]),
      microsoft("Gelu", [x.float], gives: [NaiveArray(x.shape) { gelu(x[$0]) }.float]),
      microsoft("QuickGelu", [x.float], gives: [quick.float]),
      microsoft("BiasSplitGelu", [x.float, bias.float], gives: [split.float]),
      microsoft("BiasAdd", [x.float, bias.float, skip.float], gives: [added.float]),
      microsoft(
        "BiasGelu", [x.float, x.float],
        fails: "expected a bias for the last axis of [2, 3, 4], got [2, 3, 4]"),
      microsoft(
        "BiasGelu", [Tensor.scalar(Float(1)), bias.float],
        fails: "expected a bias for the last axis of [], got [4]"),
      microsoft(
        "BiasSplitGelu", [NaiveArray(eighths: [2, 3]).float, NaiveArray(eighths: [3]).float],
        fails: "expected a last axis of two halves, got [2, 3]"),
      microsoft("BiasGelu", [x.float], fails: "expected 2 inputs, got 1"),
    ]
  }()

  static let normalizations: [OperatorCase] = {
    let (gamma, beta) = (NaiveArray(eighths: [4], seed: 4), NaiveArray(eighths: [4], seed: 5))
    let one = NaiveArray(eighths: [3, 4], seed: 6)
    let sums = NaiveArray(x.shape) { x[$0] + one[$0] + bias[[$0[2]]] }
    let moments = NaiveArray([2, 3, 2]) { index in
      let row = (0..<4).map { sums[[index[0], index[1], $0]] }
      let mean = row.reduce(0, +) / 4
      return index[2] == 0 ? mean : row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4
    }
    func mean(_ index: [Int]) -> Double { moments[[index[0], index[1], 0]] }
    func inverse(_ index: [Int]) -> Double {
      1 / (moments[[index[0], index[1], 1]] + 0.25).squareRoot()
    }
    let y = NaiveArray(x.shape) {
      (sums[$0] - mean($0)) * inverse($0) * gamma[[$0[2]]] + beta[[$0[2]]]
    }
    let root = NaiveArray([2, 3, 1]) { index in
      let square = (0..<4).reduce(0.0) { $0 + pow(sums[[index[0], index[1], $1]], 2) } / 4
      return 1 / (square + 0.25).squareRoot()
    }
    let simplified = NaiveArray(x.shape) {
      sums[$0] * root[[$0[0], $0[1], 0]] * gamma[[$0[2]]]
    }
    let epsilon = [Attribute("epsilon", Float(0.25))]
    let summary = [2, 3, 1]
    return [
      microsoft(
        "SkipLayerNormalization", [x, one, gamma, beta, bias].map(\.float), epsilon,
        gives: [
          y.float, NaiveArray(summary) { mean($0) }.float,
          NaiveArray(summary) { inverse($0) }.float,
          sums.float,
        ]),
      microsoft(
        "SkipLayerNormalization", [x, one, gamma, beta, bias].map(\.float), epsilon,
        gives: [y.float]),
      microsoft(
        "SkipLayerNormalization", [x, one, gamma, beta, bias].map(\.float16), epsilon,
        gives: [y.float16, nil, nil, sums.float16], half),
      microsoft(
        "SkipSimplifiedLayerNormalization", [x, one, gamma, bias].map(\.float), epsilon,
        gives: [simplified.float, nil, root.float, sums.float]),
      microsoft(
        "SkipLayerNormalization", [x, bias, gamma].map(\.float),
        fails: "skip: expected [2, 3, 4] or one sample of it, got [4]"),
      microsoft(
        "SkipLayerNormalization", [x, x, one].map(\.float),
        fails: "expected gamma, beta and bias of shape [4], got [3, 4]"),
      microsoft(
        "SkipLayerNormalization", [bias, bias, bias].map(\.float),
        fails: "expected two or three axes, got [4]"),
    ]
  }()

  static let embeddings: [OperatorCase] = {
    let tables = [
      NaiveArray(eighths: [5, 4]), NaiveArray(eighths: [3, 4], seed: 2),
      NaiveArray(eighths: [2, 4], seed: 3),
    ]
    let (gamma, beta) = (NaiveArray([4]) { _ in 1 }, NaiveArray([4]) { _ in 0 })
    let words: [Int32] = [4, 0, 1, 2, 3, 3]
    let segments: [Int32] = [0, 1, 0, 1, 0, 1]
    let sums = NaiveArray([2, 3, 4]) { index in
      let place = index[0] * 3 + index[1]
      return tables[0][[Int(words[place]), index[2]]] + tables[1][[index[1], index[2]]]
        + tables[2][[Int(segments[place]), index[2]]]
    }
    func inputs(_ words: [Int32], _ mask: Tensor?) -> [Tensor?] {
      [Tensor(words, shape: [2, 3]), Tensor(segments, shape: [2, 3])] + tables.map(\.float)
        + [gamma.float, beta.float, mask]
    }
    let mask = Tensor([1, 1, 0, 1, 1, 1] as [Int32], shape: [2, 3])
    let count = Tensor([2, 3] as [Int32])
    return [
      microsoft(
        "EmbedLayerNormalization", inputs(words, mask), gives: [nil, count, sums.float]),
      microsoft(
        "EmbedLayerNormalization", inputs(words, nil),
        gives: [nil, Tensor([0, 0] as [Int32]), sums.float]),
      microsoft(
        "EmbedLayerNormalization", inputs([4, 0, 1, 2, 3, 5], mask),
        fails: "word 5 is outside a table of 5 rows"),
      microsoft(
        "EmbedLayerNormalization", inputs([-1, 0, 1, 2, 3, 3], mask),
        fails: "word -1 is outside a table of 5 rows"),
      microsoft("EmbedLayerNormalization", [mask], fails: "input 2 is missing"),
    ]
  }()

  static let products: [OperatorCase] = {
    let (a, b) = (NaiveArray(integers: [4, 2, 3]), NaiveArray(integers: [2, 5, 3], seed: 2))
    let y = NaiveArray([2, 4, 5]) { index in
      (0..<3).reduce(0.0) {
        $0 + 0.5 * a[[index[1], index[0], $1]] * b[[index[0], index[2], $1]]
      }
    }
    let attributes = [
      Attribute("transBatchA", 1), Attribute("transB", 1), Attribute("alpha", Float(0.5)),
    ]
    let (m, n) = (NaiveArray(eighths: [2, 3]), NaiveArray(eighths: [3, 4], seed: 2))
    let product = NaiveArray([2, 4]) { index in
      max(0, (0..<3).reduce(0.0) { $0 + m[[index[0], $1]] * n[[$1, index[1]]] })
    }
    let image = NaiveArray(integers: [1, 2, 3, 3])
    let kernel = NaiveArray(integers: [2, 2, 1, 1], seed: 2)
    let residual = NaiveArray(integers: [1, 2, 3, 3], seed: 3)
    let fused = NaiveArray(image.shape) { index in
      let sum = (0..<2).reduce(residual[index]) {
        $0 + kernel[[index[1], $1, 0, 0]] * image[[0, $1, index[2], index[3]]]
      }
      return min(max(sum, -10), 20)
    }
    return [
      microsoft("FusedMatMul", [a.float, b.float], attributes, gives: [y.float]),
      microsoft("FusedMatMul", [a.double, b.double], attributes, gives: [y.double]),
      microsoft(
        "FusedGemm", [m.float, n.float], [Attribute("activation", "Relu")], gives: [product.float]),
      microsoft(
        "FusedGemm", [m.float16, n.float16], [Attribute("activation", "Relu")],
        gives: [product.float16], half),
      microsoft(
        "FusedGemm", [m.float, n.float], [Attribute("activation", "Whirl")],
        fails: "the fused activation 'Whirl' is not supported"),
      microsoft(
        "FusedConv", [image.float, kernel.float, nil, residual.float],
        [
          Attribute("activation", "Clip"), Attribute("activation_params", .floats([-10, 20])),
        ], gives: [fused.float]),
      microsoft(
        "FusedConv", [image.float, kernel.float, nil, x.float],
        fails: "Z: expected float[1, 2, 3, 3], got float[2, 3, 4]"),
      microsoft(
        "ExpandDims", [x.float, Tensor.scalar(Int32(-1))],
        gives: [NaiveArray([2, 3, 4, 1]) { x[Array($0[..<3])] }.float]),
      microsoft(
        "ExpandDims", [x.float, Tensor.scalar(Int32(4))], fails: "axis 4 is out of range for rank 4"
      ),
    ]
  }()

  static let groups: [OperatorCase] = [true, false].map { isLast in
    let image = NaiveArray(integers: isLast ? [2, 3, 2, 4] : [2, 4, 3, 2])
    let (gamma, beta) = (NaiveArray(eighths: [4], seed: 2), NaiveArray(eighths: [4], seed: 3))
    let first = NaiveArray([2, 4, 3, 2]) {
      image[isLast ? [$0[0], $0[2], $0[3], $0[1]] : $0]
    }
    let normalized = ChannelNormalizationTests.grouped(first, groups: 2)
    let y = NaiveArray(image.shape) { index in
      let place = isLast ? [index[0], index[3], index[1], index[2]] : index
      let value = normalized[place] * gamma[[place[1]]] + beta[[place[1]]]
      return value / (1 + exp(-value))
    }
    return microsoft(
      "GroupNorm", [image, gamma, beta].map(\.float),
      [
        Attribute("groups", 2), Attribute("activation", 1),
        Attribute("channels_last", isLast ? 1 : 0),
        Attribute("epsilon", ChannelNormalizationTests.epsilon),
      ], gives: [y.float])
  }

  static let positions: [OperatorCase] = {
    let cos = NaiveArray(eighths: [5, 2])
    let sin = NaiveArray(eighths: [5, 2], seed: 2)
    func rotated(_ position: ([Int]) -> Int) -> NaiveArray {
      NaiveArray(x.shape) { index in
        let (pair, row) = (index[2] % 2, position(index))
        let (a, b) = (x[[index[0], index[1], pair]], x[[index[0], index[1], pair + 2]])
        let (c, s) = (cos[[row, pair]], sin[[row, pair]])
        return index[2] < 2 ? a * c - b * s : a * s + b * c
      }
    }
    let each: [Int64] = [4, 0, 1, 2, 2, 3]
    return [
      microsoft(
        "RotaryEmbedding", [x.float, Tensor.int64s([2]), cos.float, sin.float],
        gives: [rotated { 2 + $0[1] }.float]),
      microsoft(
        "RotaryEmbedding",
        [x.float, Tensor.int64s(each, shape: [2, 3]), cos.float, sin.float],
        gives: [rotated { Int(each[$0[0] * 3 + $0[1]]) }.float]),
      microsoft(
        "RotaryEmbedding", [x.float, Tensor.int64s([3]), cos.float, sin.float],
        fails: "3 positions from 3 are outside a cache of 5 rows"),
      microsoft(
        "RotaryEmbedding", [x.float, Tensor.int64s([.max]), cos.float, sin.float],
        fails: "position 9223372036854775807 is outside a cache of 5 rows"),
    ]
  }()

  @Test(arguments: activations + normalizations + embeddings + products + groups + positions)
  func agrees(_ operatorCase: OperatorCase) throws { try operatorCase.check() }
}
