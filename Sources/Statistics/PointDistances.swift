/// How far the points of a stream lie apart, beyond a shift of their means: a cheap measure to rank
/// spans by before their moments are taken.
///
/// Precision: sums of squares in double; means far from zero cost digits that a ranking can spare.
package struct PointDistances: Sendable {
  private let width: Int
  private let pairs: [PointPair]
  private var rowCount = 0
  private var sums: [[Double]]
  private var squares: [Double]
  private var squaredDifferences: [Double]

  /// No rows yet.
  package init(width: Int, pointCount: Int, pairs: [PointPair]) {
    precondition(width > 0)
    self.width = width
    self.pairs = pairs
    sums = Array(repeating: Array(repeating: 0, count: width), count: pointCount)
    squares = Array(repeating: 0, count: pointCount)
    squaredDifferences = Array(repeating: 0, count: pairs.count)
  }

  /// Adds rows of all points.
  package mutating func add(_ points: [UnsafeBufferPointer<Float>]) {
    precondition(points.count == sums.count)
    rowCount += (points.first?.count ?? 0) / width
    for (index, point) in points.enumerated() {
      var total = 0.0
      sums[index].withUnsafeMutableBufferPointer { sums in
        for start in Swift.stride(from: 0, to: point.count, by: width) {
          for k in 0..<width {
            let value = Double(point[start + k])
            sums[k] += value
            total += value * value
          }
        }
      }
      squares[index] += total
    }
    for (index, pair) in pairs.enumerated() {
      let (x, y) = (points[pair.from], points[pair.to])
      // Partial sums by lane, so that the loop is not one chain of additions.
      var sums = SIMD8<Double>()
      let end = x.count / 8 * 8
      for start in Swift.stride(from: 0, to: end, by: 8) {
        for lane in 0..<8 {
          let difference = Double(y[start + lane]) - Double(x[start + lane])
          sums[lane] += difference * difference
        }
      }
      for k in end..<x.count {
        let difference = Double(y[k]) - Double(x[k])
        sums[0] += difference * difference
      }
      squaredDifferences[index] += sums.sum()
    }
  }

  /// Adds what another counted. The same parts in the same order give the same bits.
  package mutating func merge(_ other: PointDistances) {
    precondition(other.pairs.count == pairs.count && other.sums.count == sums.count)
    rowCount += other.rowCount
    for point in sums.indices {
      for k in 0..<width { sums[point][k] += other.sums[point][k] }
      squares[point] += other.squares[point]
    }
    for index in pairs.indices { squaredDifferences[index] += other.squaredDifferences[index] }
  }

  /// For each pair, the share of y's variance that y = x + b leaves.
  package var residuals: [Double] {
    let count = Double(max(rowCount, 1))
    return pairs.indices.map { index in
      let (x, y) = (sums[pairs[index].from], sums[pairs[index].to])
      var (shift, mean) = (0.0, 0.0)
      for k in 0..<width {
        shift += (y[k] - x[k]) * (y[k] - x[k])
        mean += y[k] * y[k]
      }
      let difference = max(squaredDifferences[index] - shift / count, 0)
      let scatter = max(squares[pairs[index].to] - mean / count, 0)
      return difference == 0 ? 0 : scatter > 0 ? difference / scatter : .infinity
    }
  }
}
