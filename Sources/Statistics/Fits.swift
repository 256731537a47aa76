package import Kernels

/// Closed-form fits from one point of a stream to later ones.
///
/// The eigenvectors of XᵀX depend on the first point only, so they are found once for all spans that
/// start there; in their basis every ridge strength costs O(d²).
package struct Fits: Sendable {
  private let eigenvalues: [Double]
  /// Unit eigenvectors of XᵀX, one per row.
  private let basis: Matrix
  private let width: Int

  /// Ridge strengths tried, relative to the mean diagonal of XᵀX.
  package static let ridges = [1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1]

  /// Prepares fits from the first point of `moments`.
  ///
  /// - Throws: `KernelError` if the eigenvalues do not converge.
  package init(from moments: SpanMoments) throws(KernelError) {
    width = moments.width
    (eigenvalues, basis) = try Matrix(rows: width, columns: width, moments.xx).eigen()
  }

  /// y = x.
  package static func identity(held: SpanMoments) -> Fit {
    var residual = held.traceDifference
    for k in 0..<held.width {
      let shift = held.meanY[k] - held.meanX[k]
      residual += Double(held.rowCount) * shift * shift
    }
    return Fit(.identity, heldResidual: residual, held: held)
  }

  /// y = x + b with b the mean difference.
  package static func bias(_ fitted: SpanMoments, held: SpanMoments) -> Fit {
    let bias = zip(fitted.meanY, fitted.meanX).map { $0 - $1 }
    var residual = held.traceDifference
    for k in 0..<held.width {
      let shift = held.meanY[k] - held.meanX[k] - bias[k]
      residual += Double(held.rowCount) * shift * shift
    }
    return Fit(.bias(bias.map { Float($0) }), heldResidual: residual, held: held)
  }

  /// y = x ∘ s + b, each feature by itself, drawn toward s = 1 by a ridge of 10⁻³.
  package static func diagonal(_ fitted: SpanMoments, held: SpanMoments) -> Fit {
    let (width, ridge) = (fitted.width, 1e-3)
    let mean = (0..<width).reduce(0) { $0 + fitted.xx[$1 * width + $1] } / Double(width)
    var scale = [Double](repeating: 1, count: width)
    var bias = scale
    var residual = held.traceYY
    for k in 0..<width {
      let (xx, xy) = (fitted.xx[k * width + k], fitted.xy[k * width + k])
      let denominator = xx + ridge * mean
      if denominator > 0 { scale[k] = 1 + (xy - xx) / denominator }
      bias[k] = fitted.meanY[k] - fitted.meanX[k] * scale[k]
      let shift = held.meanY[k] - held.meanX[k] * scale[k] - bias[k]
      residual +=
        scale[k] * scale[k] * held.xx[k * width + k] - 2 * scale[k] * held.xy[k * width + k]
        + Double(held.rowCount) * shift * shift
    }
    let map = LinearMap.diagonal(scale: scale.map { Float($0) }, bias: bias.map { Float($0) })
    return Fit(map, ridge: ridge, heldResidual: residual, held: held)
  }

  /// y = x W + b, ridge-regularised toward W = I, the strength chosen on held-out moments.
  ///
  /// With D = W − I, minimises ‖(Y − X) − X D‖² + λ t ‖D‖² over centred X and Y, t the mean diagonal of
  /// XᵀX. In the basis Q of XᵀX = Qᵀ Λ Q: D = Qᵀ (Λ + λ t)⁻¹ M with M = Q (XᵀY − XᵀX).
  /// Source: Hoerl and Kennard 1970, about another origin than zero.
  package func ridge(_ fitted: SpanMoments, held: SpanMoments) -> Fit {
    let target = Matrix.product(basis, difference(fitted))
    let linear = Matrix.product(basis, difference(held)).rowDots(with: target)
    var quadratic = Matrix.product(
      Matrix.product(basis, Matrix(rows: width, columns: width, held.xx)), basis, transposeB: true)
    quadratic.multiplyElements(by: Matrix.product(target, target, transposeB: true))
    let meanDiagonal = max(eigenvalues.reduce(0, +), 0) / Double(width)
    let shiftX = zip(held.meanX, fitted.meanX).map { $0 - $1 }
    let shiftY = zip(held.meanY, fitted.meanY).map { $0 - $1 }
    let rotatedShift = Matrix.product(
      basis, Matrix(rows: width, columns: 1, shiftX)
    ).elements

    var best: (ridge: Double, residual: Double, factors: [Double])?
    for ridge in Self.ridges {
      let factors = eigenvalues.map {
        1 / max(max($0, 0) + ridge * meanDiagonal, .leastNormalMagnitude)
      }
      var residual = held.traceDifference
      for k in 0..<width {
        var sum = 0.0
        for column in 0..<width { sum += factors[column] * quadratic[k, column] }
        residual += factors[k] * (sum - 2 * linear[k])
      }
      let weights = zip(rotatedShift, factors).map { $0 * $1 }
      let moved = Matrix.product(Matrix(rows: 1, columns: width, weights), target).elements
      for k in 0..<width {
        let shift = shiftY[k] - shiftX[k] - moved[k]
        residual += Double(held.rowCount) * shift * shift
      }
      if best == nil || residual <= best!.residual { best = (ridge, residual, factors) }
    }
    let chosen = best!
    var weight = Matrix.product(
      basis, transposeA: true, target.scalingRows(by: chosen.factors))
    for k in 0..<width { weight[k, k] += 1 }
    let moved = Matrix.product(Matrix(rows: 1, columns: width, fitted.meanX), weight).elements
    let bias = zip(fitted.meanY, moved).map { Float($0 - $1) }
    return Fit(
      .linear(weight: weight.elements.map { Float($0) }, bias: bias), ridge: chosen.ridge,
      heldResidual: chosen.residual, held: held)
  }

  /// y = x W with W the least-squares solution of smallest norm: no bias, no ridge.
  ///
  /// Eigenvalues of XᵀX below ε √d of the largest count as absent: products summed in float, of
  /// rounding ε, cannot tell them from none.
  /// Source: arXiv 2410.04941, equation 1.
  package static func leastSquares(
    _ fitted: SpanMoments, held: SpanMoments
  ) throws(KernelError) -> Fit {
    let width = fitted.width
    let gram = raw(fitted.xx, fitted.meanX, fitted.meanX, fitted.rowCount, width)
    let cross = raw(fitted.xy, fitted.meanX, fitted.meanY, fitted.rowCount, width)
    let (values, vectors) = try gram.eigen()
    let smallest = (values.last ?? 0) * Double(Float.ulpOfOne) * Double(width).squareRoot()
    let factors = values.map { $0 > smallest && $0 > 0 ? 1 / $0 : 0 }
    let rotated = Matrix.product(vectors, cross).scalingRows(by: factors)
    let weight = Matrix.product(vectors, transposeA: true, rotated)
    let residual = Self.residual(of: weight, held)
    return Fit(
      .linear(weight: weight.elements.map { Float($0) }, bias: nil), heldResidual: residual,
      held: held)
  }

  /// ‖Y − X W‖² from moments.
  private static func residual(of weight: Matrix, _ held: SpanMoments) -> Double {
    let width = held.width
    let product = Matrix.product(Matrix(rows: width, columns: width, held.xx), weight)
    var residual = held.traceYY
    for index in weight.elements.indices {
      residual += weight.elements[index] * (product.elements[index] - 2 * held.xy[index])
    }
    let moved = Matrix.product(Matrix(rows: 1, columns: width, held.meanX), weight).elements
    for k in 0..<width {
      let shift = held.meanY[k] - moved[k]
      residual += Double(held.rowCount) * shift * shift
    }
    return residual
  }

  /// Moments about zero from central ones.
  private static func raw(
    _ central: [Double], _ a: [Double], _ b: [Double], _ rows: Int, _ width: Int
  ) -> Matrix {
    var result = Matrix(rows: width, columns: width, central)
    for row in 0..<width {
      for column in 0..<width { result[row, column] += Double(rows) * a[row] * b[column] }
    }
    return result
  }

  private func difference(_ moments: SpanMoments) -> Matrix {
    Matrix(rows: width, columns: width, moments.xy)
      - Matrix(rows: width, columns: width, moments.xx)
  }
}
