import Kernels

/// Y = X + Z D + b, with D drawn toward zero by a ridge whose strength held-out moments choose.
///
/// Minimises ‖(Y − X) − Z D‖² + λ t ‖D‖² over centred rows, t the mean diagonal of ZᵀZ. In the basis Q
/// of ZᵀZ = Qᵀ Λ Q: D = Qᵀ (Λ + λ t)⁻¹ M with M = Q Zᵀ(Y − X), so that every strength costs O(K² + K d)
/// once Q is known, and M and the held-out rows' products in its basis. Strengths go far beyond 1:
/// Y = X + b is a limit of them.
/// Source: Hoerl and Kennard 1970, about another origin than zero.
struct RidgeRegression: Sendable {
  private let eigenvalues: [Double]
  /// Unit eigenvectors of ZᵀZ, one per row.
  private let basis: Matrix

  /// Ridge strengths tried, relative to the mean diagonal of ZᵀZ.
  static let strengths = [
    1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3, 10, 100, 1000,
  ]

  /// - Throws: `KernelError` if the eigenvalues do not converge.
  init(gram: Matrix) throws(KernelError) { (eigenvalues, basis) = try gram.eigen() }

  /// What a regression gives.
  struct Solution: Sendable {
    let ridge: Double
    /// D, [K, d].
    let weight: Matrix
    /// D in the basis of the Gram matrix, before and after the ridge is applied.
    let target: Matrix
    let factors: [Double]
    /// The squared error over the held-out rows.
    let heldResidual: Double
  }

  func solve(_ fitted: DifferenceMoments, held: DifferenceMoments) -> Solution {
    let (features, width) = (fitted.cross.rows, fitted.cross.columns)
    let target = Matrix.product(basis, fitted.cross)
    let linear = Matrix.product(basis, held.cross).rowDots(with: target)
    var quadratic = Matrix.product(
      Matrix.product(basis, held.gram), basis, transposeB: true)
    quadratic.multiplyElements(by: Matrix.product(target, target, transposeB: true))
    let meanDiagonal = max(eigenvalues.reduce(0, +), 0) / Double(max(features, 1))
    let shift = zip(held.meanFeatures, fitted.meanFeatures).map { $0 - $1 }
    let shiftDifference = zip(held.meanDifference, fitted.meanDifference).map { $0 - $1 }
    let rotatedShift = Matrix.product(basis, Matrix(rows: features, columns: 1, shift)).elements

    var best: (ridge: Double, residual: Double, factors: [Double])?
    for ridge in Self.strengths {
      let factors = eigenvalues.map {
        1 / max(max($0, 0) + ridge * meanDiagonal, .leastNormalMagnitude)
      }
      var residual = held.trace
      for k in 0..<features {
        var sum = 0.0
        for column in 0..<features { sum += factors[column] * quadratic[k, column] }
        residual += factors[k] * (sum - 2 * linear[k])
      }
      let weights = zip(rotatedShift, factors).map { $0 * $1 }
      let moved = Matrix.product(Matrix(rows: 1, columns: features, weights), target).elements
      for k in 0..<width {
        let missed = shiftDifference[k] - moved[k]
        residual += held.weight * missed * missed
      }
      if best == nil || residual <= best!.residual { best = (ridge, residual, factors) }
    }
    let chosen = best!
    return Solution(
      ridge: chosen.ridge,
      weight: Matrix.product(
        basis, transposeA: true, target.scalingRows(by: chosen.factors)),
      target: target, factors: chosen.factors, heldResidual: chosen.residual)
  }
}

extension Matrix {
  /// The constant of Y = X + Z D + b for which the fitted rows' means agree.
  func constant(for moments: DifferenceMoments) -> [Double] {
    let moved = Matrix.product(Matrix(rows: 1, columns: rows, moments.meanFeatures), self).elements
    return zip(moments.meanDifference, moved).map { $0 - $1 }
  }
}
