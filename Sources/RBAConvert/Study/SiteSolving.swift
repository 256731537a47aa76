import GraphIR
import Planning
import Statistics
import Tensors

/// A step whose last weight was solved anew.
struct HealedStep: Sendable {
  /// How messages name the node.
  let node: String
  /// The name of its weight.
  let weight: String
  /// Relative to the mean diagonal of uᵀu.
  let ridge: Double
  /// ‖original − rewritten‖² of the residual sum over its scatter, on held-out rows.
  let errorBefore: Double
  let errorAfter: Double
}

/// What a residual sum is to change by: u D + δ.
struct SiteChange: Sendable {
  /// Dᵀ, [d, k].
  let change: [Double]
  /// δ, [d].
  let shift: [Double]
  let ridge: Double
}

/// The moments of a site's u and of how far the rewritten model's sum is from its target.
struct SiteMoments: Sendable {
  private(set) var moments: RegressionMoments
  private var targets: FeatureScatter

  /// Rows that are solved from at most: as many for each column, and no less than so many.
  private static let rowsPerColumn = 16
  private static let leastRows = 1 << 15

  init(_ site: HealingSite) {
    let width = site.factors.count
    moments = RegressionMoments(inputWidth: site.inputWidth, targetWidth: width)
    targets = FeatureScatter(width: width)
  }

  /// How many rows of samples are used: half as many of those held out as of those fitted on.
  static func rowLimit(_ site: HealingSite, isHeld: Bool) -> Int {
    max(rowsPerColumn * site.inputWidth, leastRows) / (isHeld ? 2 : 1)
  }

  /// Rows of u, what the sum is to become, and what is missing of it.
  struct Rows: Sendable {
    var inputs: [Float]
    var targets: [Float]
    var errors: [Float]
    /// One for each row; 1 each where `nil`.
    var weights: [Float]?

    init(
      _ site: HealingSite, _ stream: ResidualStream, input: Tensor, sum: Tensor, target: Tensor,
      at places: [Int], weights: [Float]?
    ) {
      self.weights = weights
      inputs = site.rows(of: input, at: places, like: sum)
      targets = stream.rows(of: target, at: places)
      errors = stream.rows(of: sum, at: places)
      for index in errors.indices { errors[index] = targets[index] - errors[index] }
    }
  }

  /// `false` where rows hold NaN or infinity, or are too large to square.
  mutating func add(_ rows: Rows, threads: Int) -> Bool {
    do {
      try rows.inputs.withUnsafeBufferPointer { inputs in
        try rows.errors.withUnsafeBufferPointer { errors in
          try moments.add(inputs, errors, weights: rows.weights, threads: threads)
        }
      }
    } catch { return false }
    targets.add(rows.targets, weights: rows.weights)
    return true
  }

  /// Σ w (target − mean)² over rows and features.
  var scatter: Double { targets.total }
}

/// How far rows lie from their mean.
struct FeatureScatter: Sendable {
  private var weight = 0.0
  private var sums: [Double]
  private var squares: [Double]

  /// No rows yet.
  init(width: Int) {
    sums = Array(repeating: 0, count: width)
    squares = sums
  }

  /// Adds rows, row-major.
  ///
  /// - Parameter weights: one for each row; 1 each where `nil`.
  mutating func add(_ rows: [Float], weights: [Float]? = nil) {
    for (index, value) in rows.enumerated() {
      let (row, k) = index.quotientAndRemainder(dividingBy: sums.count)
      let weight = weights.map { Double($0[row]) } ?? 1
      sums[k] += weight * Double(value)
      squares[k] += weight * Double(value) * Double(value)
    }
    weight += weights?.reduce(0) { $0 + Double($1) } ?? Double(rows.count / sums.count)
  }

  /// Σ w (value − mean)² over rows and features.
  var total: Double {
    guard weight > 0 else { return 0 }
    return zip(sums, squares).reduce(0) { $0 + max($1.1 - $1.0 * $1.0 / weight, 0) }
  }
}

extension HealingSite {
  /// The ridge solution of moments, for targets that lie side by side.
  func solve(
    _ fit: consuming RegressionMoments, held: consuming RegressionMoments, blocks: Int = 1
  ) -> [RidgeSolution?] {
    if bias == nil {
      fit.uncentre()
      held.uncentre()
    }
    // What is held out keeps the residuals of features that stay as they are.
    for target in 0..<fit.targetWidth {
      let feature = target % factors.count
      let shifts = bias.map { $0.factors[feature] != 0 } ?? true
      if factors[feature] == 0 || !shifts { fit.pin(target, shifts: shifts) }
    }
    return RidgeSolution.solve(consume fit, held: consume held, blocks: blocks)
  }
}

extension HealingSite {
  /// The published recipe: T by least squares so that M T + (h_from − M) ≈ h_to, M the branch, T taken into
  /// the weight and bias. No change where T is not in what is stored.
  ///
  /// Source: arXiv 2505.02819.
  ///
  /// - Parameters:
  ///   - fitted, held: of M and of M + h_to − h_from.
  ///   - scatter: Σ (h_to − mean)² over the held-out rows.
  func leastSquares(
    _ fitted: SpanMoments, held: SpanMoments, scatter: Double, in graph: Graph
  ) throws(Failure) -> (change: SiteChange?, fit: Fit) {
    let fit = try FitPolicy.leastSquares(fitted, held: held)
    if case .linear(let matrix, _) = fit.map,
      let change = change(multiplyingBranchBy: matrix, in: graph)
    {
      return (change, .passingOver(ridge: 0, residual: fit.heldResidual, scatter: scatter))
    }
    let residual = Fits.identity(held: held).heldResidual
    return (nil, .passingOver(ridge: 0, residual: residual, scatter: scatter))
  }

  /// The change that makes the branch M, which is u W + c, M T; `nil` where that is not in what is stored.
  ///
  /// - Parameter matrix: T, row-major [d, d].
  func change(multiplyingBranchBy matrix: [Float], in graph: Graph) -> SiteChange? {
    let (k, width) = (inputWidth, factors.count)
    guard let numbers = graph.constant(weight)?.numbers else { return nil }
    var difference = matrix.map(Double.init)
    for feature in 0..<width { difference[feature * width + feature] -= 1 }
    // Wᵀ with γ in it, [d, k].
    var weights = [Double](repeating: 0, count: width * k)
    for feature in 0..<width {
      for row in 0..<k {
        let index = isTransposed ? feature * k + row : row * width + feature
        weights[feature * k + row] = numbers[index] * factors[feature]
      }
    }
    let shift = transposeTimes(difference, constant, rows: width, columns: 1)
    let change = transposeTimes(difference, weights, rows: width, columns: k)
    let isStored = (0..<width).allSatisfy { feature in
      let row = change[feature * k..<(feature + 1) * k]
      return (factors[feature] != 0 || row.allSatisfy { $0 == 0 })
        && ((bias?.factors[feature] ?? 0) != 0 || shift[feature] == 0)
    }
    return isStored ? SiteChange(change: change, shift: shift, ridge: 0) : nil
  }
}
