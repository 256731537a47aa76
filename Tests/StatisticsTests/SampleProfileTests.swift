import Foundation
import Testing

@testable import Statistics

@Suite struct SampleProfileTests {
  /// Normal samples of `rows` rows; the samples' means are normal with deviation 1 about `mean`, their
  /// rows about those with `deviation`.
  static func samples(
    _ count: Int, rows: Int = 12, width: Int = 24, mean: Float = 0, deviation: Float = 1,
    seed: UInt64
  ) -> [Float] {
    let centres = Rows(count, width: width, mean: mean, seed: seed)
    let noise = Rows(count * rows, width: width, deviation: deviation, seed: seed + 1000)
    return noise.values.indices.map { index in
      let (row, k) = (index / width, index % width)
      return centres.values[row / rows * width + k] + noise.values[index]
    }
  }

  static func profile(_ values: [Float], _ count: Int, width: Int = 24) -> SampleProfile {
    var result = SampleProfile(width: width)
    result.add(
      values.withUnsafeBufferPointer {
        SampleProfile.figures(
          of: $0, width: width, counts: Array(repeating: values.count / width / count, count: count)
        )
      })
    return result
  }

  @Test func `figures are means and logarithms of deviations`() {
    // Two samples of two rows of two features.
    let values: [Float] = [1, 10, 3, 14, -5, 7, -5, 7]
    let figures = values.withUnsafeBufferPointer {
      SampleProfile.figures(of: $0, width: 2, counts: [2, 2])
    }
    #expect(figures[0][..<2] == [2, 12])
    // Variances 1 and 4, and a millionth of the squared means.
    #expect(abs(figures[0][2] - log(1 + 4e-6) / 2) < 1e-12)
    #expect(abs(figures[0][3] - log(4 + 144e-6) / 2) < 1e-12)
    #expect(figures[1][..<2] == [-5, 7])
    #expect(abs(figures[1][2] - log(5e-3)) < 1e-12)
  }

  @Test func `samples may have rows in any number`() {
    let values: [Float] = [1, 10, 3, 14, -5, 7, -5, 7, 0, 0]
    let figures = values.withUnsafeBufferPointer {
      SampleProfile.figures(of: $0, width: 2, counts: [1, 3, 1])
    }
    #expect(figures.map { $0[0] } == [1, -7.0 / 3, 0])
    // One row has no deviation but a thousandth of its mean.
    #expect(abs(figures[0][3] - log(1e-2)) < 1e-12)
  }

  @Test func `nothing but zeros has finite figures`() {
    let figures = [Float](repeating: 0, count: 8).withUnsafeBufferPointer {
      SampleProfile.figures(of: $0, width: 2, counts: [2, 2])
    }
    #expect(figures.joined().allSatisfy { $0.isFinite })
  }

  @Test(arguments: [0, 1, 13, 39, 40])
  func `merged profiles are those of all samples`(_ cut: Int) {
    let values = Self.samples(40, mean: 100, seed: 5)
    let size = 12 * 24
    let whole = Self.profile(values, 40)
    var merged = SampleProfile(width: 24)
    for range in [0..<cut, cut..<40] where !range.isEmpty {
      merged.merge(
        Self.profile(
          Array(values[range.lowerBound * size..<range.upperBound * size]), range.count))
    }
    #expect(merged.sampleCount == 40)
    for (a, b) in zip(merged.means, whole.means) { #expect(abs(a - b) <= 1e-12 * max(abs(b), 1)) }
    // Sums of squares about means near 100: rounding of the mean, times deviations.
    for (a, b) in zip(merged.squares, whole.squares) { #expect(abs(a - b) <= 1e-10 * max(b, 1)) }
  }
}
