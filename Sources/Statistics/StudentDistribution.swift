import Glibc

/// Student's t distribution.
package enum StudentDistribution {
  /// The t beyond which a share `tail` of the distribution lies, for tails from 1e-12 to 1/2.
  ///
  /// The tail, half of the regularised incomplete beta function I_x(ν/2, 1/2) at x = ν / (ν + t²) (Abramowitz
  /// and Stegun, Handbook of Mathematical Functions, 26.7.1), is bisected.
  ///
  /// - Parameter degreesOfFreedom: ν, at least 1.
  package static func quantile(tail: Double, degreesOfFreedom: Double) -> Double {
    // Of one degree, the Cauchy distribution, the tail is below 1 / (π t); of more it is smaller.
    var (low, high) = (0.0, 1 / (Double.pi * tail))
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if Self.tail(beyond: middle, degreesOfFreedom) > tail { low = middle } else { high = middle }
    }
    return high
  }

  private static func tail(beyond t: Double, _ degrees: Double) -> Double {
    let square = t * t
    return incompleteBeta(
      a: degrees / 2, b: 0.5, x: degrees / (degrees + square), rest: square / (degrees + square))
      / 2
  }

  /// The regularised incomplete beta function I_x(a, b), 26.5.8: a continued fraction, by Lentz's method.
  ///
  /// - Parameter rest: 1 − x, which has more digits if it is given.
  private static func incompleteBeta(a: Double, b: Double, x: Double, rest: Double) -> Double {
    guard x > 0 else { return 0 }
    guard rest > 0 else { return 1 }
    // It converges fast below the mean only.
    guard x <= (a + 1) / (a + b + 2) else {
      return 1 - incompleteBeta(a: b, b: a, x: rest, rest: x)
    }
    let factor = exp(
      lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest))
    let smallest = 1e-300
    func bounded(_ value: Double) -> Double { abs(value) < smallest ? smallest : value }
    var d = 1 / bounded(1 - (a + b) * x / (a + 1))
    var (c, fraction) = (1.0, d)
    for step in 1...10_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / bounded(1 + even * d)
      c = bounded(1 + even / c)
      fraction *= c * d
      d = 1 / bounded(1 + odd * d)
      c = bounded(1 + odd / c)
      fraction *= c * d
      if abs(c * d - 1) < 1e-15 { break }
    }
    return factor * fraction / a
  }
}
