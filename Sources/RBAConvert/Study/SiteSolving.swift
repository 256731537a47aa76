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

    init(
      _ site: HealingSite, _ stream: ResidualStream, input: Tensor, sum: Tensor, target: Tensor,
      at places: [Int]
    ) {
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
          try moments.add(inputs, errors, threads: threads)
        }
      }
    } catch { return false }
    targets.add(rows.targets)
    return true
  }

  /// Σ (target − mean)² over rows and features.
  var scatter: Double { targets.total }
}

/// How far rows lie from their mean.
struct FeatureScatter: Sendable {
  private var rowCount = 0
  private var sums: [Double]
  private var squares: [Double]

  /// No rows yet.
  init(width: Int) {
    sums = Array(repeating: 0, count: width)
    squares = sums
  }

  /// Adds rows, row-major.
  mutating func add(_ rows: [Float]) {
    for (index, value) in rows.enumerated() {
      let k = index % sums.count
      sums[k] += Double(value)
      squares[k] += Double(value) * Double(value)
    }
    rowCount += rows.count / sums.count
  }

  /// Σ (value − mean)² over rows and features.
  var total: Double {
    let count = Double(max(rowCount, 1))
    return zip(sums, squares).reduce(0) { $0 + max($1.1 - $1.0 * $1.0 / count, 0) }
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
