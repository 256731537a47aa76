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
    let (a, b, square) = (degrees / 2, 0.5, t * t)
    // 1 - x has more digits so.
    let (x, rest) = (degrees / (degrees + square), square / (degrees + square))
    guard square > 0 else { return 0.5 }
    // The fraction converges fast below the mean only; I_x(a, b) = 1 − I_{1−x}(b, a).
    return x <= (a + 1) / (a + b + 2)
      ? incompleteBeta(a, b, x, rest) / 2 : (1 - incompleteBeta(b, a, rest, x)) / 2
  }

  /// The regularised incomplete beta function I_x(a, b), 26.5.8: a continued fraction, by Lentz's method; it
  /// takes about √(a + b) steps.
  ///
  /// - Parameter rest: 1 − x.
  private static func incompleteBeta(
    _ a: Double, _ b: Double, _ x: Double, _ rest: Double
  ) -> Double {
    let factor = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest)) / a
    guard factor > 0 else { return 0 }
    let smallest = 1e-300
    func bounded(_ value: Double) -> Double { abs(value) < smallest ? smallest : value }
    var d = 1 / bounded(1 - (a + b) * x / (a + 1))
    var (c, fraction, m) = (1.0, d, 0.0)
    repeat {
      m += 1
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / bounded(1 + even * d)
      c = bounded(1 + even / c)
      fraction *= c * d
      d = 1 / bounded(1 + odd * d)
      c = bounded(1 + odd / c)
      fraction *= c * d
    } while abs(c * d - 1) > 1e-14 && m < 1e6
    return factor * fraction
  }
}
