import Testing

@testable import Statistics

@Suite struct StudentDistributionTests {
  /// Of printed tables, to what the expansion leaves.
  @Test(arguments: [
    (0.05, 3, 2.353363), (0.05, 15, 1.753050), (0.005, 10, 3.169273), (0.001, 30, 3.385185),
    (0.05, 255, 1.650851),
  ])
  func `quantiles are those of tables`(tail: Double, degrees: Double, quantile: Double) {
    let found = StudentDistribution.quantile(tail: tail, degreesOfFreedom: degrees)
    #expect(abs(found - quantile) < 0.01 * quantile)
  }

  @Test func `of many degrees it is the normal distribution`() {
    let found = StudentDistribution.quantile(tail: 0.01, degreesOfFreedom: 1e9)
    #expect(abs(found - NormalDistribution.quantile(tail: 0.01)) < 1e-8)
  }
}
