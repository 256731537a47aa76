import Testing

@testable import Statistics

@Suite struct ContextFitsTests {
  static let width = 5

  /// Rows of several samples, each with a centre of its own, and which sample each belongs to.
  static func tokens(_ counts: [Int], spread: Float, seed: UInt64) -> (rows: Rows, samples: [Int]) {
    let centres = Rows(counts.count, width: width, deviation: spread, seed: seed).values
    var rows = Rows(counts.reduce(0, +), width: width, seed: seed + 1)
    let samples = counts.enumerated().flatMap { [Int](repeating: $0, count: $1) }
    for index in rows.values.indices {
      rows.values[index] += centres[samples[index / width] * width + index % width]
    }
    return (rows, samples)
  }

  /// Moments of the tokens and of the samples' means, weighted by their numbers of tokens.
  static func moments(_ x: Rows, _ y: Rows, _ counts: [Int]) throws -> ContextFits.Moments {
    .init(tokens: try span(x, y), samples: try samples(x, y, counts))
  }

  static func samples(_ x: Rows, _ y: Rows, _ counts: [Int]) throws -> SpanMoments {
    var total = StreamMoments(width: width, spans: [PointPair(0, 1)])
    func means(_ rows: Rows) -> [Float] {
      var start = 0
      return counts.flatMap { count -> [Float] in
        defer { start += count }
        return (0..<width).map { k in
          (start..<start + count).reduce(0) { $0 + rows.values[$1 * width + k] } / Float(count)
        }
      }
    }
    try [means(x), means(y)].withBuffers {
      try total.add($0, weights: counts.map { Float($0) })
    }
    return total.span(from: 0, to: 1)
  }

  static func map(seed: UInt64) -> LinearMap {
    .context(
      weight: Rows(width, width: width, seed: seed).values,
      context: Rows(width, width: width, seed: seed + 1).values,
      bias: Rows(1, width: width, seed: seed + 2).values)
  }

  @Test(arguments: [[Int](repeating: 10, count: 200), (0..<200).map { 1 + $0 % 7 }])
  func `a map that sees the mean token is recovered`(_ counts: [Int]) throws {
    let (x, samples) = Self.tokens(counts, spread: 2, seed: 1)
    let y = Rows(
      Self.map(seed: 3).applied(to: x, samples: samples).map { Float($0) }, width: Self.width)
    let moments = try Self.moments(x, y, counts)
    let fit = try ContextFits(from: Self.samples(x, y, counts))
      .fit(moments, held: moments, ridge: 1e-5)
    // The context's weakest ridge draws by a hundredth of its mean diagonal.
    #expect(try #require(fit).heldR2 > 1 - 2e-3)
    #expect(fit?.map.parameterCount == 2 * Self.width * Self.width + Self.width)
  }

  @Test func `the held residual is that of the rows themselves`() throws {
    let counts = (0..<60).map { 3 + $0 % 5 }
    let (x, samples) = Self.tokens(counts, spread: 1, seed: 10)
    let noise = Rows(x.count, width: Self.width, deviation: 0.5, seed: 12)
    let map = Self.map(seed: 13)
    func target(_ x: Rows, _ samples: [Int], _ noise: Rows) -> Rows {
      Rows(map.applied(to: x, samples: samples).map { Float($0) }, width: Self.width) + noise
    }
    let y = target(x, samples, noise)
    let (heldX, heldSamples) = Self.tokens(counts, spread: 1, seed: 20)
    let heldY = target(
      heldX, heldSamples, Rows(heldX.count, width: Self.width, deviation: 0.5, seed: 22))
    let fit = try #require(
      ContextFits(from: Self.samples(x, y, counts)).fit(
        Self.moments(x, y, counts), held: Self.moments(heldX, heldY, counts), ridge: 1e-3))
    let direct = zip(fit.map.applied(to: heldX, samples: heldSamples), heldY.values)
      .reduce(0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) }
    // Moments carry the float sums of some hundred products.
    #expect(abs(fit.heldResidual - direct) <= 1e-4 * direct)
  }

  /// With no more samples than unknowns and no context in the data, the fit must not invent one.
  @Test func `a context that is only noise is drawn toward none`() throws {
    let counts = [Int](repeating: 20, count: 8)
    let (x, _) = Self.tokens(counts, spread: 1, seed: 30)
    let y = x + Rows(x.count, width: Self.width, deviation: 1, seed: 31)
    let (heldX, _) = Self.tokens(counts, spread: 1, seed: 32)
    let heldY = heldX + Rows(x.count, width: Self.width, deviation: 1, seed: 33)
    let (fitted, held) = (try span(x, y), try span(heldX, heldY))
    let linear = try Fits(from: fitted).solve(fitted, held: held).linear
    let fit = try #require(
      ContextFits(from: Self.samples(x, y, counts)).fit(
        Self.moments(x, y, counts), held: Self.moments(heldX, heldY, counts),
        ridge: linear.ridge))
    #expect(fit.heldResidual <= 1.02 * linear.heldResidual)
  }

  @Test func `rows without any variance do not break the fit`() throws {
    let counts = [4, 4]
    let x = Rows([Float](repeating: 2, count: 8 * Self.width), width: Self.width)
    let y = Rows([Float](repeating: 3, count: 8 * Self.width), width: Self.width)
    let moments = try Self.moments(x, y, counts)
    let fit = try ContextFits(from: Self.samples(x, y, counts))
      .fit(moments, held: moments, ridge: 1e-3)
    #expect(try #require(fit).heldResidual == 0)
  }
}
