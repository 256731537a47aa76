import Kernels

/// Second moments of the values at several points of a stream, and of chosen pairs of points.
///
/// The rows are tokens or pixels: every point has the same number, of the same width d. Moments are
/// central: for points i and j, S_ij = Σ (x_i − mean x_i)ᵀ (x_j − mean x_j), shape [d, d].
///
/// Precision: each chunk's products are sums in float about the chunk's own mean, so that a mean far
/// from zero costs no digits; totals are in double.
/// Source: Chan, Golub, LeVeque 1979, the pairwise update of sums of squares.
package struct StreamMoments: Sendable {
  package let width: Int
  package let pointCount: Int
  /// The pairs i ≤ j whose products are kept; every point's pair with itself is among them.
  package let pairs: [PointPair]
  package private(set) var rowCount = 0
  /// The mean row of each point.
  package private(set) var means: [[Double]]
  private let positions: [PointPair: Int]
  private var products: [[Double]]

  /// No rows yet.
  ///
  /// - Parameter pairs: pairs of different points to keep products of.
  package init(width: Int, pointCount: Int, pairs: [PointPair]) {
    self.width = width
    self.pointCount = pointCount
    self.pairs = (0..<pointCount).map { PointPair($0, $0) } + pairs.filter { $0.from != $0.to }
    self.means = Array(repeating: Array(repeating: 0, count: width), count: pointCount)
    self.products = Array(
      repeating: Array(repeating: 0, count: width * width), count: self.pairs.count)
    self.positions = Dictionary(
      uniqueKeysWithValues: self.pairs.enumerated().map { ($0.element, $0.offset) })
  }

  /// Bytes that the totals and `chunks` chunks at work take.
  package static func byteCount(width: Int, pointCount: Int, pairs: Int, chunks: Int) -> Int {
    (pairs + pointCount) * width * width * (8 + 4 * chunks)
  }

  /// Adds a chunk. The same chunks in the same order give the same bits.
  package mutating func merge(_ chunk: MomentsChunk) {
    precondition(chunk.width == width && chunk.products.count == pairs.count)
    guard chunk.rowCount > 0 else { return }
    let total = rowCount + chunk.rowCount
    let shifts = zip(chunk.means, means).map { new, old in zip(new, old).map { $0 - $1 } }
    // Before the first rows there is no mean to differ from.
    let weight = Double(rowCount) * Double(chunk.rowCount) / Double(total)
    for (index, pair) in pairs.enumerated() {
      Self.add(
        chunk.products[index], to: &products[index], shifts[pair.from], shifts[pair.to], weight)
    }
    let share = Double(chunk.rowCount) / Double(total)
    for point in means.indices {
      for k in 0..<width { means[point][k] += share * shifts[point][k] }
    }
    rowCount = total
  }

  /// total += chunk + weight · uᵀv.
  private static func add(
    _ chunk: [Float], to total: inout [Double], _ u: [Double], _ v: [Double], _ weight: Double
  ) {
    let width = u.count
    total.withUnsafeMutableBufferPointer { total in
      chunk.withUnsafeBufferPointer { chunk in
        v.withUnsafeBufferPointer { v in
          for row in 0..<width {
            let scale = weight * u[row]
            let start = row * width
            for column in 0..<width {
              total[start + column] += Double(chunk[start + column]) + scale * v[column]
            }
          }
        }
      }
    }
  }

  /// What a fit from one point to another needs.
  package func span(from: Int, to: Int) -> SpanMoments {
    guard let cross = positions[PointPair(from, to)] else {
      preconditionFailure("no products kept for points \(from) and \(to)")
    }
    return SpanMoments(
      width: width, rowCount: rowCount, meanX: means[from], meanY: means[to],
      xx: products[from], xy: products[cross], traceYY: trace(products[to]))
  }

  private func trace(_ matrix: [Double]) -> Double {
    (0..<width).reduce(0) { $0 + matrix[$1 * width + $1] }
  }
}

/// Two points of a stream, the earlier one first.
package struct PointPair: Hashable, Sendable {
  package let from: Int
  package let to: Int

  package init(_ from: Int, _ to: Int) {
    precondition(from <= to)
    self.from = from
    self.to = to
  }
}

/// Central moments of X and Y: all that a linear fit of Y on X depends on.
package struct SpanMoments: Sendable {
  package let width: Int
  package let rowCount: Int
  package let meanX: [Double]
  package let meanY: [Double]
  /// XᵀX, shape [d, d].
  package let xx: [Double]
  /// XᵀY, shape [d, d].
  package let xy: [Double]
  /// Σ over rows and columns of Y².
  package let traceYY: Double

  /// Σ over rows and columns of (Y − X)², central.
  package var traceDifference: Double {
    let traces = (0..<width).reduce(0.0) { sum, k in
      sum + xx[k * width + k] - 2 * xy[k * width + k]
    }
    return max(traces + traceYY, 0)
  }
}
