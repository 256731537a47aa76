/// Central moments of features Z and of what Y differs from X by: all that a fit of Y − X on Z depends
/// on.
///
/// Shapes: K features, d outputs. What the features are decides the form: X itself, or the k × k
/// neighbourhood of X.
struct DifferenceMoments: Sendable {
  /// The total weight of the rows.
  let weight: Double
  /// [K].
  let meanFeatures: [Double]
  /// [d].
  let meanDifference: [Double]
  /// ZᵀZ, [K, K].
  let gram: Matrix
  /// Zᵀ(Y − X), [K, d].
  let cross: Matrix
  /// Σ (Y − X)².
  let trace: Double
}

extension SpanMoments {
  /// With X as the features.
  var difference: DifferenceMoments {
    let gram = Matrix(rows: width, columns: width, xx)
    return DifferenceMoments(
      weight: weight, meanFeatures: meanX, meanDifference: zip(meanY, meanX).map { $0 - $1 },
      gram: gram, cross: Matrix(rows: width, columns: width, xy) - gram, trace: traceDifference)
  }

  /// The same rows' moments about zero: a fit to them has no constant.
  var aboutZero: SpanMoments {
    func raised(_ central: [Double], _ a: [Double], _ b: [Double]) -> [Double] {
      var result = central
      for row in 0..<width {
        for column in 0..<width { result[row * width + column] += weight * a[row] * b[column] }
      }
      return result
    }
    let none = [Double](repeating: 0, count: width)
    return SpanMoments(
      width: width, weight: weight, meanX: none, meanY: none,
      xx: raised(xx, meanX, meanX), xy: raised(xy, meanX, meanY),
      traceYY: traceYY + weight * meanY.reduce(0) { $0 + $1 * $1 })
  }
}
