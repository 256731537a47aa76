package import Kernels

/// Fits of y = x W + x̄ C + b from one point of a stream, x̄ the mean over the tokens of a sample.
///
/// With D = W − I, minimises ‖(Y − X) − X D − X̄ C‖² + λ t ‖D‖² + μ s ‖C‖² over centred rows, t and s
/// the mean diagonals of XᵀX and G = X̄ᵀX̄. Each sample's tokens share their x̄, so that XᵀX̄ = G and
/// X̄ᵀ(Y − X) = K come of the samples' means alone; of those there are few, and so C has a ridge of its
/// own. Eliminating C = (G + μ s)⁻¹ (K − G D) leaves
///
///     (XᵀX − P G + λ t) D = Xᵀ(Y − X) − P K,   P = G (G + μ s)⁻¹,
///
/// whose matrix is positive definite.
package struct ContextFits: Sendable {
  private let eigenvalues: [Double]
  /// Unit eigenvectors of G, one per row.
  private let basis: Matrix

  /// Strengths of the context's ridge, relative to the mean diagonal of G.
  package static let ridges = [0.01, 0.03, 0.1, 0.3, 1, 10]

  /// - Parameter samples: moments of the samples' means, each weighted by its number of tokens.
  /// - Throws: `KernelError` if the eigenvalues do not converge.
  package init(from samples: SpanMoments) throws(KernelError) {
    (eigenvalues, basis) = try Matrix(rows: samples.width, columns: samples.width, samples.xx)
      .eigen()
  }

  /// Moments of the same rows: of the tokens, and of the samples' means.
  package struct Moments: Sendable {
    let tokens: DifferenceMoments
    let samples: DifferenceMoments
    let scatter: Double

    /// - Parameter samples: of the samples' means, each weighted by its number of tokens.
    package init(tokens: SpanMoments, samples: SpanMoments) {
      self.tokens = tokens.difference
      self.samples = samples.difference
      scatter = tokens.traceYY
    }
  }

  /// - Parameter ridge: the tokens' ridge, as the fit without context chose it. The context's is
  ///   chosen on held-out moments first, then the tokens' anew among its neighbours.
  /// - Returns: `nil` where rounding leaves no matrix positive definite.
  package func fit(_ fitted: Moments, held: Moments, ridge: Double) -> Fit? {
    var solutions = Self.ridges.compactMap { solve(fitted, held, ridge, $0) }
    guard let first = solutions.min(by: { $0.residual < $1.residual }) else { return nil }
    solutions =
      [first]
      + [0.1, 10].compactMap {
        solve(fitted, held, ridge * $0, first.contextRidge)
      }
    let best = solutions.min { $0.residual < $1.residual }!
    let map = LinearMap.context(
      weight: best.weight.addingIdentity(at: 0).floats, context: best.context.floats,
      bias: best.constant.map { Float($0) })
    return Fit(
      map, ridge: best.ridge, heldResidual: best.residual, scatter: held.scatter)
  }

  private struct Solution {
    let ridge: Double
    let contextRidge: Double
    let weight: Matrix
    let context: Matrix
    let constant: [Double]
    let residual: Double
  }

  private func solve(
    _ fitted: Moments, _ held: Moments, _ ridge: Double, _ contextRidge: Double
  ) -> Solution? {
    let (tokens, samples) = (fitted.tokens, fitted.samples)
    let width = samples.gram.rows
    let strength = contextRidge * samples.gram.meanDiagonal
    let inverses = eigenvalues.map { 1 / max(max($0, 0) + strength, .leastNormalMagnitude) }
    let shares = zip(eigenvalues, inverses).map { max($0, 0) * $1 }
    let squares = zip(eigenvalues, shares).map { max($0, 0) * $1 }
    // (G + μ s)⁻¹, P and P G differ in their eigenvalues only.
    func apply(_ values: [Double], _ matrix: Matrix) -> Matrix {
      Matrix.product(
        basis, transposeA: true, Matrix.product(basis, matrix).scalingRows(by: values))
    }
    let eliminated = Matrix.product(basis, transposeA: true, basis.scalingRows(by: squares))
    var left = tokens.gram - eliminated
    left = left.addingIdentity(ridge * tokens.gram.meanDiagonal, at: 0)
    var weight = Matrix(zero: width, width)
    if tokens.gram.meanDiagonal > 0 {
      let right = tokens.cross - apply(shares, samples.cross)
      guard let solution = try? left.solvingPositiveDefinite(right) else { return nil }
      weight = solution
    }
    let context = apply(inverses, samples.cross - Matrix.product(samples.gram, weight))
    let constant = (weight + context).constant(for: tokens)
    return Solution(
      ridge: ridge, contextRidge: contextRidge, weight: weight, context: context,
      constant: constant, residual: held.residual(of: weight, context, constant))
  }
}

extension ContextFits.Moments {
  /// ‖(Y − X) − X D − X̄ C − b‖² over the rows.
  fileprivate func residual(of weight: Matrix, _ context: Matrix, _ constant: [Double]) -> Double {
    let mixed = Matrix.product(samples.gram, weight)
    let own = Matrix.product(samples.gram, context)
    var residual = tokens.trace
    residual += weight.dot(Matrix.product(tokens.gram, weight)) - 2 * weight.dot(tokens.cross)
    residual += context.dot(own) + 2 * context.dot(mixed) - 2 * context.dot(samples.cross)
    for (missed, constant) in zip((weight + context).constant(for: tokens), constant) {
      residual += tokens.weight * (missed - constant) * (missed - constant)
    }
    return residual
  }
}
