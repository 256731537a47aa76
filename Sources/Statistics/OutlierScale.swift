import Glibc

/// How long rows usually are at each point of a stream, and what a row weighs that is much longer.
///
/// Some tokens of trained transformers are tens of times longer than all others. Squared errors see
/// nothing else then: what a fit loses on every other token it does not know. A row's weight is
///
///     w = min over points of min(1, 4 m / ‖h‖²),   m the median of ‖h‖² at the point,
///
/// so that rows up to twice as long as usual count as they are, and a longer one as much as one of twice
/// the usual length: its relative error counts, which is what layers see that normalise what they read.
/// Weights are asked for only where some row is over ten times as long as usual; they depend on the
/// row alone, not on the span, so that all spans share their sums. (Behind spans that are replaced already
/// a row is weighed by its length at both ends of the span that is fitted there.) The held-out rows have weights by
/// the same scale: ridge and form are chosen by what typical tokens lose.
/// Source: weighted least squares in one step, after Huber 1981, with leverage and not the residual
/// deciding: a residual needs a fit, and those from long rows hide in fits that follow them.
package struct OutlierScale: Sendable {
  /// The median of ‖h‖² at each point; 0 where rows are nearly all zero.
  package let medians: [Double]

  /// Of a row of usual length squared, how much longer one may be squared before its weight falls.
  private static let tolerated = 4.0

  /// The scale of outliers found earlier.
  package init(medians: [Double]) { self.medians = medians }

  /// The scale of rows of which some are over ten times as long as usual; `nil` where none is.
  package init?(_ histogram: LengthHistogram) {
    guard histogram.hasBeyond(100) else { return nil }
    medians = histogram.medians
  }

  /// The weights of rows at some points, given as positions among the scale's.
  package func weights(
    _ points: [(position: Int, rows: UnsafeBufferPointer<Float>)], width: Int
  ) -> [Float] {
    let count = (points.first?.rows.count ?? 0) / width
    var result = [Float](repeating: 1, count: count)
    for (position, rows) in points where medians[position] > 0 {
      let limit = Self.tolerated * medians[position]
      for row in 0..<count {
        let square = squaredLength(rows, row, width)
        if square > limit { result[row] = min(result[row], Float(limit / square)) }
      }
    }
    return result
  }

  /// The same of rows of floats, [rows, d] each.
  package func weights(_ points: [(position: Int, rows: [Float])], width: Int) -> [Float] {
    points.reduce(into: [Float]?.none) { result, point in
      let own = point.rows.withUnsafeBufferPointer {
        weights([(position: point.position, rows: $0)], width: width)
      }
      result = result.map { zip($0, own).map(min) } ?? own
    } ?? []
  }
}

/// How many rows have which length at each point, in steps of an eighth of a doubling of ‖h‖².
///
/// Counts add up in any order to the same.
package struct LengthHistogram: Sendable {
  private static let binsPerDoubling = 8.0
  private static let binCount = 4096
  private var counts: [[Int]]

  /// No rows yet.
  package init(pointCount: Int) {
    counts = Array(repeating: Array(repeating: 0, count: Self.binCount), count: pointCount)
  }

  /// Adds rows of all points.
  package mutating func add(_ points: [UnsafeBufferPointer<Float>], width: Int) {
    precondition(points.count == counts.count)
    for (point, rows) in points.enumerated() {
      for row in 0..<rows.count / width {
        counts[point][Self.bin(of: squaredLength(rows, row, width))] += 1
      }
    }
  }

  package mutating func merge(_ other: LengthHistogram) {
    precondition(other.counts.count == counts.count)
    for point in counts.indices {
      for bin in counts[point].indices { counts[point][bin] += other.counts[point][bin] }
    }
  }

  /// Of no rows, of zeros and of what has no length, 0.
  var medians: [Double] {
    counts.indices.map { point in
      guard let bin = medianBin(point), bin > 0 else { return 0 }
      return exp2(Double(bin - Self.binCount / 2) / Self.binsPerDoubling)
    }
  }

  /// Whether some row's squared length is `factor` times the median or more.
  func hasBeyond(_ factor: Double) -> Bool {
    let distance = Int(log2(factor) * Self.binsPerDoubling)
    return counts.indices.contains { point in
      guard let bin = medianBin(point), bin > 0, bin + distance < Self.binCount else {
        return false
      }
      return counts[point][(bin + distance)...].contains { $0 > 0 }
    }
  }

  private func medianBin(_ point: Int) -> Int? {
    let total = counts[point].reduce(0, +)
    var passed = 0
    return counts[point].firstIndex { count in
      passed += count
      return passed * 2 > total
    }
  }

  private static func bin(of square: Double) -> Int {
    guard square > 0, square.isFinite else { return 0 }
    let bin = (log2(square) * binsPerDoubling).rounded(.down) + Double(binCount / 2)
    return Int(min(max(bin, 1), Double(binCount - 1)))
  }
}

private func squaredLength(_ rows: UnsafeBufferPointer<Float>, _ row: Int, _ width: Int) -> Double {
  var sum = 0.0
  for k in row * width..<(row + 1) * width { sum += Double(rows[k]) * Double(rows[k]) }
  return sum
}
