import Testing

@testable import Statistics

@Suite struct FitsTests {
  static let width = 6
  static let weight = Rows(width, width: width, seed: 3).values
  static let bias = Rows(1, width: width, mean: 5, seed: 4).values

  /// ‖Y − map(X)‖² in double from the rows themselves.
  static func residual(_ map: LinearMap, _ x: Rows, _ y: Rows) -> Double {
    zip(map.applied(to: x), y.values).reduce(0) {
      $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1))
    }
  }

  static func weights(_ fit: Fit) throws -> [Float] {
    guard case .linear(let weight, _) = fit.map else {
      Issue.record("expected a linear map, got \(fit.map)")
      return []
    }
    return weight
  }

  @Test func `a known map is recovered`() throws {
    let x = Rows(2000, width: Self.width, seed: 5)
    let y = x.mapped(by: Self.weight, bias: Self.bias)
    let moments = try span(x, y)
    let fit = try Fits(from: moments).solve(moments, held: moments).linear
    #expect(fit.ridge == RidgeRegression.strengths[0])
    guard case .linear(let weight, let bias?) = fit.map else {
      Issue.record("expected a map with a bias")
      return
    }
    // The ridge draws W toward I by its strength, twice that at most where X varies least.
    let bound = Float(2 * RidgeRegression.strengths[0]) * 6
    for (got, wanted) in zip(weight, Self.weight) { #expect(abs(got - wanted) <= bound) }
    for (got, wanted) in zip(bias, Self.bias) { #expect(abs(got - wanted) <= bound) }
    // Float sums of 2000 products.
    #expect(fit.heldR2 > 1 - 1e-6)
  }

  @Test func `the paper's map is recovered where there is no bias`() throws {
    let x = Rows(2000, width: Self.width, mean: 2, seed: 6)
    let moments = try span(x, x.mapped(by: Self.weight))
    let weight = try Self.weights(Fits.leastSquares(moments, held: moments))
    // Float sums of 2000 products, through a condition number below 100.
    for (got, wanted) in zip(weight, Self.weight) { #expect(abs(got - wanted) <= 1e-4) }
  }

  @Test func `simpler maps are recovered by the simplest form`() throws {
    let x = Rows(1000, width: Self.width, mean: 3, seed: 7)
    let scale = Rows(1, width: Self.width, mean: 1, deviation: 0.1, seed: 8).values
    var scaled = x
    var shifted = x
    for index in x.values.indices {
      shifted.values[index] += Self.bias[index % Self.width]
      scaled.values[index] =
        x.values[index] * scale[index % Self.width] + Self.bias[index % Self.width]
    }
    #expect(Fits.identity(held: try span(x, x)).heldResidual == 0)
    let moved = try span(x, shifted)
    guard case .bias(let bias) = Fits.bias(moved, held: moved).map else {
      Issue.record("expected a bias")
      return
    }
    // Means of a thousand sums rounded to float near 8.
    for (got, wanted) in zip(bias, Self.bias) { #expect(abs(got - wanted) <= 8 * Float.ulpOfOne) }
    let stretched = try span(x, scaled)
    let fit = Fits.diagonal(stretched, held: stretched)
    guard case .diagonal(let factors, _) = fit.map else {
      Issue.record("expected a diagonal")
      return
    }
    // A ridge of 10⁻³ draws each factor toward 1 by about that share of its distance.
    for (got, wanted) in zip(factors, scale) {
      #expect(abs(got - wanted) <= 2e-3 * abs(wanted - 1) + 1e-6)
    }
    #expect(fit.heldR2 > 1 - 1e-6)
  }

  @Test(arguments: [Float(0), 1, 1000])
  func `held residuals are those of the rows themselves`(_ mean: Float) throws {
    let x = Rows(800, width: Self.width, mean: mean, seed: 9)
    let noise = Rows(800, width: Self.width, deviation: 0.5, seed: 10)
    let y = x.mapped(by: Self.weight, bias: Self.bias) + noise
    let heldX = Rows(300, width: Self.width, mean: mean, seed: 11)
    let heldNoise = Rows(300, width: Self.width, deviation: 0.5, seed: 12)
    let heldY = heldX.mapped(by: Self.weight, bias: Self.bias) + heldNoise
    let (fitted, held) = (try span(x, y), try span(heldX, heldY))
    let fits: [Fit] =
      [
        Fits.identity(held: held), Fits.bias(fitted, held: held), Fits.diagonal(fitted, held: held),
        try Fits(from: fitted).solve(fitted, held: held).linear,
        try Fits.unbiased(fitted, held: held), try Fits.leastSquares(fitted, held: held),
      ] + (try Fits(from: fitted).solve(fitted, held: held).reducedRank([1, 3, 6]))
    for fit in fits {
      let direct = Self.residual(fit.map, heldX, heldY)
      // The map is rounded to float: every output moves by as much as its largest term does.
      let moved = Double(mean + 10) * Double(Float.ulpOfOne) * 6
      let count = Double(heldX.values.count)
      let rounding = 2 * moved * (count * direct).squareRoot() + moved * moved * count
      // Moments carry the float sums of 800 and 300 products of numbers near 1.
      let bound = rounding + direct * 1e-4 + 1e-6 * held.traceYY
      #expect(abs(fit.heldResidual - direct) <= bound, "\(fit.heldResidual) \(direct)")
      #expect(abs(fit.heldR2 - (1 - direct / held.traceYY)) <= bound / held.traceYY)
    }
  }

  @Test func `of solutions without end the smallest is taken`() throws {
    var x = Rows(1000, width: Self.width, seed: 13)
    for row in 0..<x.count { x.values[row * 6 + 5] = x.values[row * 6] }
    let moments = try span(x, x.mapped(by: Self.weight))
    let weight = try Self.weights(Fits.leastSquares(moments, held: moments))
    for row in 0..<6 {
      for column in 0..<6 {
        let shared = (Self.weight[column] + Self.weight[30 + column]) / 2
        let wanted = row == 0 || row == 5 ? shared : Self.weight[row * 6 + column]
        #expect(abs(weight[row * 6 + column] - wanted) <= 1e-4)
      }
    }
  }

  @Test(arguments: [32, 100, 1000])
  func `fewer rows, or fewer directions, than features do not break the fits`(_ count: Int) throws {
    let width = 64
    let narrow = Rows(count, width: 8, seed: 14)
    let mixing = Rows(8, width: width, seed: 15)
    var x = Rows([Float](repeating: 0, count: count * width), width: width)
    for row in 0..<count {
      for column in 0..<width {
        x.values[row * width + column] = (0..<8).reduce(0) {
          $0 + narrow.values[row * 8 + $1] * mixing.values[$1 * width + column]
        }
      }
    }
    let target = Rows(width, width: width, deviation: 0.1, seed: 16).values
    let moments = try span(x, x.mapped(by: target))
    let exact = try Fits.leastSquares(moments, held: moments)
    #expect(exact.heldR2 > 1 - 1e-6)
    // The smallest solution is no larger than the one that made the rows, up to float rounding.
    let norm = try Self.weights(exact).reduce(0) { $0 + $1 * $1 }
    #expect(norm <= target.reduce(0) { $0 + $1 * $1 })
    #expect(try Fits(from: moments).solve(moments, held: moments).linear.heldR2 > 1 - 1e-3)
  }

  @Test func `a direction a hundred times weaker is still found`() throws {
    var x = Rows(4000, width: Self.width, seed: 17)
    for row in 0..<x.count { x.values[row * 6 + 2] *= 0.01 }
    let moments = try span(x, x.mapped(by: Self.weight))
    let weight = try Self.weights(Fits.leastSquares(moments, held: moments))
    // Float sums, relative to the strongest direction, through a condition number of 10⁴.
    for (got, wanted) in zip(weight, Self.weight) { #expect(abs(got - wanted) <= 1e-2) }
  }

  @Test func `where there is nothing to learn the fit stays near the identity`() throws {
    let (width, count) = (32, 64)
    let x = Rows(count, width: width, seed: 18)
    let y = x + Rows(count, width: width, deviation: 3, seed: 19)
    let heldX = Rows(500, width: width, seed: 20)
    let heldY = heldX + Rows(500, width: width, deviation: 3, seed: 21)
    let (fitted, held) = (try span(x, y), try span(heldX, heldY))
    let fit = try Fits(from: fitted).solve(fitted, held: held).linear
    #expect(fit.ridge >= 10)
    let free = try Fits.leastSquares(fitted, held: held)
    let identity = Fits.identity(held: held)
    // Unregularised, the fit of 64 rows costs far more; the strongest ridge leaves what a constant
    // from 64 rows costs.
    #expect(free.heldResidual > 1.5 * identity.heldResidual)
    #expect(fit.heldResidual < 1.03 * identity.heldResidual)
  }

  @Test func `constant rows fit exactly`() throws {
    let x = Rows([Float](repeating: 2, count: 40), width: 4)
    let y = Rows([Float](repeating: 3, count: 40), width: 4)
    let moments = try span(x, y)
    #expect(Fits.bias(moments, held: moments).heldResidual == 0)
    #expect(Fits.diagonal(moments, held: moments).heldResidual == 0)
    #expect(try Fits(from: moments).solve(moments, held: moments).linear.heldR2 == 1)
    #expect(Fits.identity(held: moments).heldResidual == 40)
    #expect(Fits.identity(held: moments).heldR2 == 0)
  }

  @Test func `a map without a constant is recovered about zero`() throws {
    let x = Rows(2000, width: Self.width, mean: 2, seed: 22)
    let moments = try span(x, x.mapped(by: Self.weight))
    let fit = try Fits.unbiased(moments, held: moments)
    #expect(fit.map.parameterCount == Self.width * Self.width)
    #expect(fit.ridge == RidgeRegression.strengths[0])
    // The mean's square stands beside the variance: the ridge is that of a diagonal five times as large.
    for (got, wanted) in zip(try Self.weights(fit), Self.weight) {
      #expect(abs(got - wanted) <= Float(10 * RidgeRegression.strengths[0]) * 6)
    }
  }

  /// y = x + (x u) v of rank 2, and noise that a fit of full rank could only follow.
  @Test func `a branch of low rank is recovered at its rank`() throws {
    let (width, rank) = (8, 2)
    let down = Rows(width, width: rank, seed: 23).values
    let up = Rows(rank, width: width, seed: 24).values
    let x = Rows(3000, width: width, mean: 1, seed: 25)
    let map = LinearMap.lowRank(
      down: down, up: up, bias: [Float](repeating: 0.5, count: width))
    let y = Rows(map.applied(to: x).map { Float($0) }, width: width)
    let moments = try span(x, y)
    let fits = try Fits(from: moments).solve(moments, held: moments).reducedRank([1, rank, 4])
    #expect(fits.map(\.map.parameterCount) == [24, 40, 72])
    // Residuals are differences of traces that carry the float sums of 3000 products.
    #expect(fits[0].heldR2 < 0.99)
    #expect(fits[1].heldR2 > 1 - 1e-6)
    #expect(fits[2].heldR2 > 1 - 1e-6)
    #expect(Self.residual(fits[1].map, x, y) <= 1e-6 * moments.traceYY)
  }

  /// Of all maps of one rank the fit's is the best: any other's residual is larger.
  @Test func `reduced rank is the best of its rank`() throws {
    let width = 6
    let x = Rows(500, width: width, seed: 26)
    let y = x.mapped(by: Self.weight)
    let moments = try span(x, y)
    let fit = try Fits(from: moments).solve(moments, held: moments).reducedRank([2])[0]
    guard case .lowRank(let down, let up, let bias) = fit.map else {
      Issue.record("expected low rank, got \(fit.map)")
      return
    }
    let best = Self.residual(fit.map, x, y)
    for seed in 30..<40 as Range<UInt64> {
      let nudge = Rows(1, width: down.count, deviation: 0.01, seed: seed).values
      let other = LinearMap.lowRank(down: zip(down, nudge).map { $0 + $1 }, up: up, bias: bias)
      // The ridge of 10⁻⁵ is not part of what is compared.
      #expect(Self.residual(other, x, y) > best * (1 - 1e-4))
    }
  }
}
