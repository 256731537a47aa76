import Glibc

/// How far samples are from those that something was fitted on, at one point of a stream.
package struct DomainShift: Sendable, Hashable {
  /// The mean over figures of the squared difference of their means, in units of the variance between
  /// calibration samples, less what so few samples differ by chance. Samples of one kind are at about 0;
  /// at 1 the mean of the data is as far away as a single sample usually is.
  package let distance: Double
  /// The largest distance that says nothing.
  package let limit: Double

  package var isExceeded: Bool { !(distance <= limit) }

  /// Which of two shifts is the worse one, measured by what each may be.
  package static func < (a: DomainShift, b: DomainShift) -> Bool {
    a.distance.isNaN ? false : b.distance.isNaN || a.distance / a.limit < b.distance / b.limit
  }

  /// Two fifths of a sample's usual distance, squared: data whose mean is nearer lies among the
  /// calibration data, however surely it is told apart.
  private static let immaterial = 0.16
  /// Features depend on one another, so that the mean over them is not much surer than one of them. Of
  /// χ² with four degrees of freedom, over four, one in a thousand exceeds its expectation by more.
  private static let chance = 3.6
  /// How far beyond the held-out part's distance counts as the same kind of data.
  private static let margin = 2.0
  /// What one figure adds at most, so that a single feature that is otherwise constant does not decide.
  private static let largestTerm = 1e3

  /// How far `data` is from `calibration`; `nil` where there are too few samples to say.
  ///
  /// - Parameter held: the distance of the held-out samples from those fitted on: both of one kind.
  package init?(_ data: SampleProfile, from calibration: SampleProfile, held: Double) {
    guard let distance = Self.distance(data, from: calibration),
      let expected = Self.expected(data, calibration)
    else { return nil }
    self.distance = distance
    limit = Self.immaterial + Self.chance * expected + Self.margin * max(held, 0)
  }

  /// The distance alone.
  package static func distance(
    _ data: SampleProfile, from calibration: SampleProfile
  ) -> Double? {
    precondition(data.width == calibration.width)
    guard let expected = expected(data, calibration) else { return nil }
    let width = data.width
    var sum = 0.0
    for k in 0..<2 * width {
      let shift = data.means[k] - calibration.means[k]
      // A thousandth of a deviation, either way, is rounding.
      let deviation = k < width ? exp(2 * calibration.means[width + k]) : 1
      let variance = max(
        calibration.squares[k] / Double(calibration.sampleCount - 1), 1e-6 * deviation,
        .leastNormalMagnitude)
      let term = shift * shift / variance
      sum += term.isNaN ? .infinity : min(term, largestTerm)
    }
    return sum / Double(2 * width) - expected
  }

  /// What samples of one kind differ by, on average: the variance of both means, over an estimate of the
  /// variance between samples, whose inverse is on average (n − 1) / (n − 3) too large.
  private static func expected(_ data: SampleProfile, _ calibration: SampleProfile) -> Double? {
    guard data.sampleCount > 0, calibration.sampleCount > 3 else { return nil }
    let count = Double(calibration.sampleCount)
    return (1 / count + 1 / Double(data.sampleCount)) * (count - 1) / (count - 3)
  }
}
