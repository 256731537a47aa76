import Execution
import GraphIR
import Operators
import Planning
import Tensors
import Testing

@testable import RBAConvert

/// The nodes that replacements become compute what the forms say.
@Suite struct ReplacementFragmentTests {
  private static let d = 4
  private static let rank = 2

  private static func noise(_ count: Int, _ seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
    }
  }

  private static func weights(_ form: ReplacementForm) -> ReplacementWeights {
    func part(_ part: ReplacementWeights.Part, _ seed: UInt64) -> [Float]? {
      form.count(of: part, width: d, rank: rank).map { noise($0, seed) }
    }
    return ReplacementWeights(
      weight: part(.weight, 1), up: part(.up, 2), context: part(.context, 3),
      bias: part(.bias, 4))
  }

  private static func stream(
    _ layout: ResidualStream.Layout, _ shape: [Int], mask: ValueID? = nil
  ) -> ResidualStream {
    ResidualStream(
      points: [ValueID(0)], steps: [], type: ArrayType(.float, [1] + shape.dropFirst()),
      layout: layout, mask: mask)
  }

  /// What the fragment gives.
  private static func run(
    _ form: ReplacementForm, _ layout: ResidualStream.Layout, _ x: Tensor, opset: Int,
    mask: Tensor? = nil
  ) throws -> (result: Tensor, model: Model) {
    var graph = Graph()
    var input: ValueID?
    if let mask {
      let value = graph.intern("m")
      try graph.addInput(
        value,
        ValueDeclaration(type: .tensor(TensorType(mask.elementType, [.unknown, .unknown]))))
      input = value
    }
    let replacement = ReplaceSpanWithLinear(
      CandidateSpan(stream: 0, from: 0, to: 1), form: form, weights: weights(form), mask: input)
    let fragment = try ReplacementFragment(
      replacement, in: graph, stream(layout, x.shape, mask: input), opset: opset)
    try fragment.model.graph.checkInvariants()
    var feeds = [ReplacementFragment.source: x]
    if let mask { feeds[ReplacementFragment.mask] = mask }
    let results = try Executor(model: fragment.model).evaluate(feeds)
    return (try #require(results[ReplacementFragment.result]), fragment.model)
  }

  /// A row times a matrix, in double.
  private static func product(
    _ row: [Double], _ matrix: ArraySlice<Float>, _ columns: Int
  ) -> [Double] {
    (0..<columns).map { column in
      row.indices.reduce(0) {
        $0 + row[$1] * Double(matrix[matrix.startIndex + $1 * columns + column])
      }
    }
  }

  private static func sum(_ a: [Double], _ b: [Double]) -> [Double] {
    zip(a, b).map { $0 + $1 }
  }

  /// The form at one position, from its row and, for `context`, the mean row.
  private static func expected(
    _ form: ReplacementForm, _ row: [Double], mean: [Double] = []
  ) -> [Double] {
    let weights = weights(form)
    let weight = weights.weight ?? []
    let bias = (weights.bias ?? [Float](repeating: 0, count: d)).map(Double.init)
    switch form {
    case .identity, .folded, .bias: return sum(row, bias)
    case .diagonal: return sum(zip(row, weight).map { $0 * Double($1) }, bias)
    case .lowRank:
      let branch = product(product(row, weight[...], rank), weights.up![...], d)
      return sum(sum(row, branch), bias)
    case .linear, .linearUnbiased, .leastSquares, .convolution:
      return sum(product(row, weight[...], d), bias)
    case .context:
      return sum(
        sum(product(row, weight[...], d), product(mean, weights.context![...], d)), bias)
    }
  }

  /// At most 36 products and as many sums of numbers below 1.
  private static let tolerance = 72 * Double(Float.ulpOfOne)

  private static let positionwise: [ReplacementForm] = [
    .identity, .bias, .diagonal, .lowRank, .linear, .linearUnbiased, .leastSquares,
  ]

  @Test(arguments: positionwise, [[2, 3, 4], [5, 4], [2, 2, 3, 4]])
  func rowsAreMapped(_ form: ReplacementForm, _ shape: [Int]) throws {
    let x = Tensor(Self.noise(shape.reduce(1, *), 9), shape: shape)
    let (result, model) = try Self.run(form, .lastAxis, x, opset: 13)
    #expect(result.shape == shape)
    #expect(model.graph.parameterCount == form.parameterCount(width: Self.d, rank: Self.rank))
    let (values, got) = (x.elements(as: Float.self), result.elements(as: Float.self))
    for start in stride(from: 0, to: values.count, by: Self.d) {
      let row = values[start..<start + Self.d].map(Double.init)
      for (k, wanted) in Self.expected(form, row).enumerated() {
        #expect(abs(Double(got[start + k]) - wanted) <= Self.tolerance)
      }
    }
  }

  @Test(arguments: positionwise) func channelsAreMapped(_ form: ReplacementForm) throws {
    let x = Tensor(Self.noise(2 * 4 * 6, 10), shape: [2, 4, 2, 3])
    let (result, model) = try Self.run(form, .channels, x, opset: 13)
    #expect(model.graph.parameterCount == form.parameterCount(width: Self.d, rank: Self.rank))
    let (values, got) = (x.elements(as: Float.self), result.elements(as: Float.self))
    for sample in 0..<2 {
      for place in 0..<6 {
        let index = { (k: Int) in (sample * 4 + k) * 6 + place }
        let row = (0..<4).map { Double(values[index($0)]) }
        for (k, wanted) in Self.expected(form, row).enumerated() {
          #expect(abs(Double(got[index(k)]) - wanted) <= Self.tolerance)
        }
      }
    }
  }

  @Test func neighbourhoodsAreMapped() throws {
    let (height, width) = (3, 4)
    let x = Tensor(Self.noise(2 * 4 * 12, 11), shape: [2, 4, height, width])
    let (result, model) = try Self.run(.convolution, .channels, x, opset: 9)
    #expect(
      model.graph.parameterCount == ReplacementForm.convolution.parameterCount(width: Self.d))
    let kernel = Self.weights(.convolution).weight!
    let bias = Self.weights(.convolution).bias!
    let (values, got) = (x.elements(as: Float.self), result.elements(as: Float.self))
    for sample in 0..<2 {
      for (y, column) in (0..<height).flatMap({ y in (0..<width).map { (y, $0) } }) {
        var wanted = bias.map(Double.init)
        for offset in 0..<9 {
          let (v, u) = (y + offset / 3 - 1, column + offset % 3 - 1)
          guard (0..<height).contains(v), (0..<width).contains(u) else { continue }
          let row = (0..<4).map { Double(values[((sample * 4 + $0) * height + v) * width + u]) }
          wanted = Self.sum(
            wanted, Self.product(row, kernel[offset * 16..<(offset + 1) * 16], 4))
        }
        for k in 0..<4 {
          let value = Double(got[((sample * 4 + k) * height + y) * width + column])
          #expect(abs(value - wanted[k]) <= Self.tolerance)
        }
      }
    }
  }

  /// Three samples: of tokens only, with padding, and of padding only.
  private static let flags = [1, 1, 1, 1, 0, 0, 0, 0, 0]

  @Test(arguments: [7, 11, 13, 18], [nil, .int64, .float, .bool] as [ElementType?])
  func theMeanTokenIsThatOfValidTokens(_ opset: Int, _ maskType: ElementType?) throws {
    var values = Self.noise(3 * 3 * 4, 12)
    let mask: Tensor? =
      switch maskType {
      case .int64: Tensor(Self.flags.map { Int64($0) }, shape: [3, 3])
      case .float: Tensor(Self.flags.map { Float($0) }, shape: [3, 3])
      case .bool: Tensor(Self.flags.map { $0 != 0 }, shape: [3, 3])
      default: nil
      }
    let x = Tensor(values, shape: [3, 3, 4])
    let (result, model) = try Self.run(.context, .lastAxis, x, opset: opset, mask: mask)
    #expect(
      model.graph.parameterCount == ReplacementForm.context.parameterCount(width: Self.d))
    let got = result.elements(as: Float.self)
    for sample in 0..<3 {
      let tokens = (0..<3).filter { mask == nil || Self.flags[sample * 3 + $0] != 0 }
      let mean = (0..<4).map { k in
        tokens.reduce(0) { $0 + Double(values[(sample * 3 + $1) * 4 + k]) }
          / Double(max(tokens.count, 1))
      }
      for token in 0..<3 {
        let start = (sample * 3 + token) * 4
        let row = values[start..<start + 4].map(Double.init)
        for (k, wanted) in Self.expected(.context, row, mean: mean).enumerated() {
          #expect(abs(Double(got[start + k]) - wanted) <= Self.tolerance)
        }
      }
    }
    // What padding holds changes no other token.
    guard mask != nil else { return }
    for index in 4 * 4..<6 * 4 { values[index] = 1000 }
    let other = try Self.run(
      .context, .lastAxis, Tensor(values, shape: [3, 3, 4]), opset: opset, mask: mask
    ).result.elements(as: Float.self)
    #expect(other[0..<16] == got[0..<16])
  }
}
