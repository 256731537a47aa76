import Glibc

/// The standard normal distribution.
package enum NormalDistribution {
  /// The z beyond which a share `tail` of the distribution lies, for tails from 1e-300 to 1/2.
  ///
  /// Exact to rounding: the tail, half the complementary error function of z / √2, is bisected.
  package static func quantile(tail: Double) -> Double {
    var (low, high) = (0.0, 40.0)
    for _ in 0..<64 {
      let middle = (low + high) / 2
      if erfc(middle / 2.0.squareRoot()) / 2 > tail { low = middle } else { high = middle }
    }
    return high
  }
}
