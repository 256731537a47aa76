import Testing

@testable import Statistics

@Suite struct NormalDistributionTests {
  /// Of printed tables.
  @Test(arguments: [
    (0.5, 0), (0.05, 1.644854), (0.025, 1.959964), (0.001, 3.090232), (1e-6, 4.753424),
  ])
  func `quantiles are those of tables`(tail: Double, quantile: Double) {
    #expect(abs(NormalDistribution.quantile(tail: tail) - quantile) < 1e-6)
  }
}
