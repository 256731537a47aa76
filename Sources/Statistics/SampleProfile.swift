import Glibc

/// What samples are like at one point of a stream, and how much they differ from one another.
///
/// Each sample has two figures for each of the d features: the mean over its rows, and the logarithm of
/// the rows' standard deviation. Kept are the mean and the scatter of both over the samples, [2d]: what
/// tells whether other samples are of the same kind.
///
/// Precision: double, sample after sample.
package struct SampleProfile: Sendable, Hashable {
  package let width: Int
  package private(set) var sampleCount: Int
  /// The mean over samples: d means, then d logarithms.
  package private(set) var means: [Double]
  /// Σ over samples of (figure − mean)².
  package private(set) var squares: [Double]

  /// No samples yet.
  package init(width: Int) {
    self.init(
      width: width, sampleCount: 0, means: Array(repeating: 0, count: 2 * width),
      squares: Array(repeating: 0, count: 2 * width))
  }

  /// What `sampleCount` samples left.
  package init(width: Int, sampleCount: Int, means: [Double], squares: [Double]) {
    precondition(means.count == 2 * width && squares.count == 2 * width)
    self.width = width
    self.sampleCount = sampleCount
    self.means = means
    self.squares = squares
  }

  /// A deviation below this share of the mean is rounding, not variety. Of a sample of one row, which has
  /// no deviation, the second figure is thus the logarithm of the row's size.
  private static let leastDeviation = 1e-3

  /// The figures of samples whose rows, of `width` features, lie one after the other: [2d] for each.
  ///
  /// - Parameter counts: how many rows each sample has, all of them together `values`.
  package static func figures(
    of values: UnsafeBufferPointer<Float>, width: Int, counts: [Int]
  ) -> [[Double]] {
    precondition(values.count == counts.reduce(0, +) * width)
    var start = 0
    return counts.map { rows in
      defer { start += rows * width }
      var (mean, squares) = (
        [Double](repeating: 0, count: width), [Double](repeating: 0, count: width)
      )
      for row in 0..<rows {
        for k in 0..<width { mean[k] += Double(values[start + row * width + k]) }
      }
      for k in 0..<width { mean[k] /= Double(max(rows, 1)) }
      for row in 0..<rows {
        for k in 0..<width {
          let difference = Double(values[start + row * width + k]) - mean[k]
          squares[k] += difference * difference
        }
      }
      return mean
        + (0..<width).map { k in
          let least = leastDeviation * mean[k]
          let variance = squares[k] / Double(max(rows, 1)) + least * least
          return log(variance + Double(Float.leastNormalMagnitude)) / 2
        }
    }
  }

  /// Adds samples by their figures.
  package mutating func add(_ figures: [[Double]]) {
    for sample in figures {
      precondition(sample.count == 2 * width)
      sampleCount += 1
      for k in sample.indices {
        let shift = sample[k] - means[k]
        means[k] += shift / Double(sampleCount)
        squares[k] += shift * (sample[k] - means[k])
      }
    }
  }

  /// Adds other samples.
  ///
  /// Source: Chan, Golub, LeVeque 1979.
  package mutating func merge(_ other: SampleProfile) {
    precondition(width == other.width)
    guard other.sampleCount > 0 else { return }
    let total = Double(sampleCount + other.sampleCount)
    let share = Double(other.sampleCount) / total
    for k in means.indices {
      let shift = other.means[k] - means[k]
      squares[k] += other.squares[k] + Double(sampleCount) * share * shift * shift
      means[k] += share * shift
    }
    sampleCount += other.sampleCount
  }
}
