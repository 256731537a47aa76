import Testing

@testable import Statistics

@Suite struct DomainShiftTests {
  private static let calibration = profile(64, seed: 1)
  private static let held =
    DomainShift.distance(profile(32, seed: 2), from: calibration) ?? .nan

  private static func profile(
    _ count: Int, mean: Float = 0, deviation: Float = 1, rows: Int = 12, seed: UInt64
  ) -> SampleProfile {
    SampleProfileTests.profile(
      SampleProfileTests.samples(
        count, rows: rows, mean: mean, deviation: deviation, seed: seed), count)
  }

  private func shift(_ data: SampleProfile) throws -> DomainShift {
    try #require(DomainShift(data, from: Self.calibration, held: Self.held))
  }

  @Test(arguments: [1, 2, 4, 16, 64], 10..<20 as Range<UInt64>)
  func `data of one kind are near, however few`(_ count: Int, _ seed: UInt64) throws {
    #expect(try !shift(Self.profile(count, seed: seed)).isExceeded)
  }

  @Test(arguments: [16, 64])
  func `data of one kind are at no distance on average`(_ count: Int) throws {
    var sum = 0.0
    for seed in 100..<120 as Range<UInt64> {
      sum += try shift(Self.profile(count, seed: seed)).distance
    }
    // 48 independent figures about 1/n + 1/64, twenty times; all share one calibration set.
    #expect(abs(sum / 20) < 0.02)
  }

  @Test(arguments: [1, 2, 4, 16, 64])
  func `a shift of three deviations is far`(_ count: Int) throws {
    let shift = try shift(Self.profile(count, mean: 3, seed: 3))
    #expect(shift.isExceeded)
    // Half of the figures are means, moved by 9 variances; rows add 1/12 to those.
    #expect(abs(shift.distance - 4.5) < 1.5)
  }

  @Test(arguments: [0.5, 2] as [Float])
  func `another deviation within samples is far`(_ deviation: Float) throws {
    #expect(try shift(Self.profile(16, deviation: deviation, seed: 4)).isExceeded)
  }

  @Test func `samples of one row tell by their size`() throws {
    let calibration = Self.profile(64, rows: 1, seed: 1)
    func shift(_ data: SampleProfile) throws -> DomainShift {
      try #require(DomainShift(data, from: calibration, held: 0))
    }
    #expect(try !shift(Self.profile(64, rows: 1, seed: 2)).isExceeded)
    #expect(try shift(Self.profile(64, mean: 3, rows: 1, seed: 2)).isExceeded)
  }

  @Test func `a distant held-out part widens the limit`() throws {
    let data = Self.profile(64, mean: 1, seed: 6)
    let near = try #require(DomainShift(data, from: Self.calibration, held: 0))
    let far = try #require(DomainShift(data, from: Self.calibration, held: near.distance))
    #expect(near.isExceeded)
    #expect(!far.isExceeded)
  }

  @Test func `three calibration samples say nothing`() {
    #expect(DomainShift(Self.profile(64, seed: 7), from: Self.profile(3, seed: 8), held: 0) == nil)
    #expect(DomainShift(SampleProfile(width: 24), from: Self.calibration, held: 0) == nil)
  }

  @Test func `numbers that are none are far`() throws {
    var values = SampleProfileTests.samples(16, seed: 9)
    for k in stride(from: 0, to: values.count, by: 1) { values[k] = .nan }
    #expect(try shift(SampleProfileTests.profile(values, 16)).isExceeded)
  }

  @Test func `a feature that never changes counts for no more than others can`() throws {
    var values = SampleProfileTests.samples(64, seed: 1)
    for row in 0..<values.count / 24 { values[row * 24] = 5 }
    let calibration = SampleProfileTests.profile(values, 64)
    let distance = DomainShift.distance(calibration, from: calibration)
    #expect(try #require(distance) < 0)
    for row in 0..<values.count / 24 { values[row * 24] = 5.5 }
    let moved = try #require(
      DomainShift.distance(SampleProfileTests.profile(values, 64), from: calibration))
    #expect(moved.isFinite && moved <= 1000 * 2 / 48)
  }
}
