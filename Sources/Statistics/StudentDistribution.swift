/// Student's t distribution.
package enum StudentDistribution {
  /// The t beyond which a share `tail` of the distribution lies, to 1 % from three degrees of freedom on.
  ///
  /// By the expansion about the normal quantile (Abramowitz and Stegun, Handbook of Mathematical Functions,
  /// 26.7.5).
  ///
  /// - Parameter degreesOfFreedom: at least 1.
  package static func quantile(tail: Double, degreesOfFreedom: Double) -> Double {
    let z = NormalDistribution.quantile(tail: tail)
    let square = z * z
    let terms = [
      (square + 1) / 4,
      ((5 * square + 16) * square + 3) / 96,
      (((3 * square + 19) * square + 17) * square - 15) / 384,
    ]
    return z * (1 + terms.reversed().reduce(0) { ($0 + $1) / degreesOfFreedom })
  }
}
