import Glibc

/// What the published scores say of a pair of points, over rows that stream by.
///
/// Precision: sums in double, in the order of the rows. Linear CKA is no sum over rows; see
/// `StreamMoments.linearCKA`.
package struct PairScores: Sendable {
  private var rowCount = 0
  private var squaredDifference = 0.0
  private var cosineSum = 0.0
  private var angleSum = 0.0

  package init() {}

  /// Adds rows of both points.
  package mutating func add(
    _ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>, width: Int
  ) {
    precondition(x.count == y.count && width > 0)
    for row in 0..<x.count / width {
      var (dot, normX, normY, difference) = (0.0, 0.0, 0.0, 0.0)
      for k in row * width..<(row + 1) * width {
        let (a, b) = (Double(x[k]), Double(y[k]))
        dot += a * b
        normX += a * a
        normY += b * b
        difference += (b - a) * (b - a)
      }
      squaredDifference += difference
      // Rows without length are alike, and like no other.
      let cosine =
        normX > 0 && normY > 0 ? dot / (normX * normY).squareRoot() : normX == normY ? 1 : 0
      cosineSum += cosine
      angleSum += acos(min(max(cosine, -1), 1)) / .pi
      rowCount += 1
    }
  }

  /// Whether there were no rows, so that the scores tell nothing.
  package var isEmpty: Bool { rowCount == 0 }

  /// Whether the rows held numbers only.
  package var isFinite: Bool {
    squaredDifference.isFinite && cosineSum.isFinite && angleSum.isFinite
  }

  /// Adds what another counted. The same parts in the same order give the same bits.
  package mutating func merge(_ other: PairScores) {
    rowCount += other.rowCount
    squaredDifference += other.squaredDifference
    cosineSum += other.cosineSum
    angleSum += other.angleSum
  }

  /// −mean ‖y − x‖²; nearer 0 is more redundant. Source: arXiv 2410.04941, BR.
  package var blockRedundancy: Double {
    rowCount == 0 ? 0 : -squaredDifference / Double(rowCount)
  }

  /// mean cos(x, y). Source: arXiv 2403.03853, 1 − BI.
  package var cosine: Double { rowCount == 0 ? 1 : cosineSum / Double(rowCount) }

  /// mean arccos cos(x, y) / π. Source: arXiv 2403.17887.
  package var angularDistance: Double { rowCount == 0 ? 0 : angleSum / Double(rowCount) }
}

extension StreamMoments {
  /// The pairs whose products are needed for the linear CKA of `spans`.
  package static func pairsForCKA(_ spans: some Sequence<PointPair>) -> [PointPair] {
    spans.flatMap { [$0, PointPair($0.to, $0.to)] }
  }

  /// How alike two points are up to rotation, shift and uniform scale: ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖) of centred
  /// rows in Frobenius norms. From 0 to 1, greater for more alike; 1 where both are constant and 0 where
  /// one is. The points are those of a pair in `pairsForCKA`.
  ///
  /// Precision: that of the moments; the norms are sums in double.
  /// Source: Kornblith, Norouzi, Lee, Hinton 2019, equation 3 with linear kernels.
  package func linearCKA(from: Int, to: Int) -> Double {
    func squaredNorm(_ a: Int, _ b: Int) -> Double {
      span(from: a, to: b).xy.reduce(0) { $0 + $1 * $1 }
    }
    let (x, y) = (squaredNorm(from, from), squaredNorm(to, to))
    guard x > 0, y > 0 else { return x == y ? 1 : 0 }
    return min(squaredNorm(from, to) / (x.squareRoot() * y.squareRoot()), 1)
  }
}
