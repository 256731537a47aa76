import Testing

@testable import Statistics

@Suite struct StudentDistributionTests {
  /// Of printed tables, and for small tails by numerical integration.
  @Test(
    arguments: [
      (0.5, 4, 0), (0.05, 3, 2.353363), (0.05, 15, 1.753050), (0.005, 10, 3.169273),
      (0.001, 30, 3.385185), (0.05, 255, 1.650851), (0.00078125, 1, 407.435836),
      (0.00078125, 2, 25.268565), (0.00078125, 3, 11.109868), (0.00078125, 7.5, 4.831450),
      (1e-10, 5, 156.825594),
    ] as [(Double, Double, Double)])
  func `quantiles are those of tables`(tail: Double, degrees: Double, quantile: Double) {
    let found = StudentDistribution.quantile(tail: tail, degreesOfFreedom: degrees)
    #expect(abs(found - quantile) < 1e-6 * max(quantile, 1))
  }

  @Test func `of many degrees it is the normal distribution`() {
    let found = StudentDistribution.quantile(tail: 0.01, degreesOfFreedom: 1e6)
    #expect(abs(found - 2.326348) < 1e-5)
  }
}
