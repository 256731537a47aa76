package import Kernels

/// Closed-form fits from one point of a stream to later ones.
///
/// The eigenvectors of XᵀX depend on the first point only, so they are found once for all spans that
/// start there.
package struct Fits: Sendable {
  private let regression: RidgeRegression

  /// Prepares fits from the first point of `moments`.
  ///
  /// - Throws: `KernelError` if the eigenvalues do not converge.
  package init(from moments: SpanMoments) throws(KernelError) {
    regression = try RidgeRegression(
      gram: Matrix(rows: moments.width, columns: moments.width, moments.xx))
  }

  /// y = x.
  package static func identity(held: SpanMoments) -> Fit {
    var residual = held.traceDifference
    for k in 0..<held.width {
      let shift = held.meanY[k] - held.meanX[k]
      residual += held.weight * shift * shift
    }
    return Fit(.identity, heldResidual: residual, scatter: held.traceYY)
  }

  /// y = x + b with b the mean difference.
  package static func bias(_ fitted: SpanMoments, held: SpanMoments) -> Fit {
    let bias = zip(fitted.meanY, fitted.meanX).map { $0 - $1 }
    var residual = held.traceDifference
    for k in 0..<held.width {
      let shift = held.meanY[k] - held.meanX[k] - bias[k]
      residual += held.weight * shift * shift
    }
    return Fit(.bias(bias.map { Float($0) }), heldResidual: residual, scatter: held.traceYY)
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
        + held.weight * shift * shift
    }
    let map = LinearMap.diagonal(scale: scale.map { Float($0) }, bias: bias.map { Float($0) })
    return Fit(map, ridge: ridge, heldResidual: residual, scatter: held.traceYY)
  }

  /// The regression that forms share which change x by a matrix.
  package func solve(_ fitted: SpanMoments, held: SpanMoments) -> SpanRegression {
    SpanRegression(regression, fitted, held: held)
  }

  /// y = x W, ridge-regularised toward W = I over rows about zero: as many parameters as the paper's.
  ///
  /// - Throws: `KernelError` if the eigenvalues do not converge.
  package static func unbiased(
    _ fitted: SpanMoments, held: SpanMoments
  ) throws(KernelError) -> Fit {
    let moments = fitted.aboutZero.difference
    let solution = try RidgeRegression(gram: moments.gram).solve(
      moments, held: held.aboutZero.difference)
    return Fit(
      .linear(weight: solution.weight.addingIdentity(at: 0).floats, bias: nil),
      ridge: solution.ridge, heldResidual: solution.heldResidual, scatter: held.traceYY)
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
    let (moments, other) = (fitted.aboutZero, held.aboutZero)
    let (values, vectors) = try Matrix(rows: width, columns: width, moments.xx).eigen()
    let smallest = (values.last ?? 0) * Double(Float.ulpOfOne) * Double(width).squareRoot()
    let factors = values.map { $0 > smallest && $0 > 0 ? 1 / $0 : 0 }
    let rotated = Matrix.product(vectors, Matrix(rows: width, columns: width, moments.xy))
      .scalingRows(by: factors)
    let weight = Matrix.product(vectors, transposeA: true, rotated)
    let residual = other.difference.residual(of: weight.addingIdentity(-1, at: 0))
    return Fit(
      .linear(weight: weight.floats, bias: nil), heldResidual: residual, scatter: held.traceYY)
  }
}

extension DifferenceMoments {
  /// ‖(Y − X) − Z D − b‖² over the rows.
  func residual(of weight: Matrix, constant: [Double]? = nil) -> Double {
    let product = Matrix.product(gram, weight)
    var residual = trace
    for index in weight.elements.indices {
      residual += weight.elements[index] * (product.elements[index] - 2 * cross.elements[index])
    }
    let missed = weight.constant(for: self)
    for k in missed.indices {
      let shift = missed[k] - (constant?[k] ?? 0)
      residual += self.weight * shift * shift
    }
    return residual
  }
}
