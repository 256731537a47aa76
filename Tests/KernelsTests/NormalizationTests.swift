import Kernels
import Testing

@Suite struct NormalizationTests {
  static let shapes = [(1, 1), (3, 16), (4, 49), (2, 768), (1, 2500)]

  private func values(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7919 + seed * 131) % 401) / 100 - 2 }
  }

  /// The mean errs by (68 + n / 1024) 2^-24 of elements below 2, and so do the centred elements; the
  /// deviation, at least √epsilon = 1/4, by as much again in relative terms. Five roundings follow.
  @Test(arguments: shapes) func layerNormalizationAgreesWithTheDefinition(
    _ shape: (rows: Int, count: Int)
  ) {
    let (rows, count) = shape
    let (x, gamma, beta) = (values(rows * count, 1), values(count, 2), values(count, 3))
    var y = [Float](repeating: .nan, count: rows * count)
    Normalization.layerNormalization(
      x, gamma: gamma, beta: beta, epsilon: 1 / 16, into: &y, rows: rows, count: count)
    for row in 0..<rows {
      let run = x[row * count..<(row + 1) * count].map(Double.init)
      let mean = run.reduce(0, +) / Double(count)
      let variance = run.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      let deviation = (variance + 1 / 16).squareRoot()
      for i in 0..<count {
        let exact = (run[i] - mean) / deviation * Double(gamma[i]) + Double(beta[i])
        let sum = Double(68 + count / 1024) * 0x1p-24
        let factor = Double(gamma[i].magnitude) / deviation
        let bound = factor * (2 * sum + (run[i] - mean).magnitude * (sum + 5 * 0x1p-24)) + 0x1p-22
        #expect((Double(y[row * count + i]) - exact).magnitude <= bound)
      }
    }
  }

  /// The mean square errs by (68 + n / 1024) 2^-24 in relative terms, its root by half; four roundings.
  @Test(arguments: shapes) func rmsNormalizationAgreesWithTheDefinition(
    _ shape: (rows: Int, count: Int)
  ) {
    let (rows, count) = shape
    let (x, gamma) = (values(rows * count, 4), values(count, 5))
    var y = [Float](repeating: .nan, count: rows * count)
    Normalization.rmsNormalization(
      x, gamma: gamma, epsilon: 0.001, into: &y, rows: rows, count: count)
    for row in 0..<rows {
      let run = x[row * count..<(row + 1) * count].map(Double.init)
      let square = run.reduce(0) { $0 + $1 * $1 } / Double(count)
      for i in 0..<count {
        let exact = run[i] / (square + Double(Float(0.001))).squareRoot() * Double(gamma[i])
        let bound = Double(38 + count / 2048) * 0x1p-24 * exact.magnitude
        #expect((Double(y[row * count + i]) - exact).magnitude <= bound)
      }
    }
  }

  /// Small integers, so that equality is exact.
  @Test func channelsAreScaledAndShifted() {
    let x = (0..<2 * 3 * 5).map { Float($0 % 7 - 3) }
    let (scale, shift): ([Float], [Float]) = ([2, -1, 0], [1, 5, -4])
    var y = x
    Normalization.scaleAndShiftChannels(
      x, scale: scale, shift: shift, into: &y, batch: 2, channels: 3, inner: 5)
    #expect(y == x.indices.map { scale[$0 / 5 % 3] * x[$0] + shift[$0 / 5 % 3] })
  }
}
