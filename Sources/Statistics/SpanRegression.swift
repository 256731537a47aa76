package import Kernels

/// The ridge regression over one span, from which maps of several forms follow.
package struct SpanRegression: Sendable {
  private let moments: DifferenceMoments
  private let held: DifferenceMoments
  private let solution: RidgeRegression.Solution
  /// Σ over the held-out rows of (Y − mean Y)².
  private let scatter: Double

  init(_ regression: RidgeRegression, _ fitted: SpanMoments, held: SpanMoments) {
    (moments, self.held) = (fitted.difference, held.difference)
    solution = regression.solve(moments, held: self.held)
    scatter = held.traceYY
  }

  /// y = x W + b, ridge-regularised toward W = I, the strength chosen on held-out moments.
  package var linear: Fit {
    Fit(
      .linear(
        weight: solution.weight.addingIdentity(at: 0).floats,
        bias: solution.weight.constant(for: moments).map { Float($0) }),
      ridge: solution.ridge, heldResidual: solution.heldResidual, scatter: scatter)
  }

  /// y = x + (x U) V + b for each rank r given, U [d, r] and V [r, d].
  ///
  /// Of the ridge solution D, U V is the nearest of rank r where distance is what the fit itself counts,
  /// errors over the rows and the ridge: V is the leading eigenvectors of
  /// Dᵀ(XᵀX + λ t I)D = Dᵀ Xᵀ(Y − X), and U = D Vᵀ.
  /// Source: Izenman 1975; Mukherjee and Zhu 2011 with a ridge.
  ///
  /// - Throws: `KernelError` if the eigenvalues do not converge.
  package func reducedRank(_ ranks: [Int]) throws(KernelError) -> [Fit] {
    let weighted = solution.target.scalingRows(by: solution.factors)
    let (_, vectors) = try Matrix.product(solution.target, transposeA: true, weighted).eigen()
    return ranks.map { rank in
      // Eigenvalues ascend: the leading vectors are the last rows.
      let up = vectors.lastRows(rank)
      let down = Matrix.product(solution.weight, up, transposeB: true)
      let weight = Matrix.product(down, up)
      let map = LinearMap.lowRank(
        down: down.floats, up: up.floats,
        bias: weight.constant(for: moments).map { Float($0) })
      return Fit(
        map, ridge: solution.ridge,
        heldResidual: held.residual(of: weight, constant: weight.constant(for: moments)),
        scatter: scatter)
    }
  }
}
