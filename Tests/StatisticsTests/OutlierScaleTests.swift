import Testing

@testable import Statistics

@Suite struct OutlierScaleTests {
  static let width = 16

  /// What a block does to usual tokens, and to one in a hundred that is one vector a thousand times as
  /// long, with noise in proportion: the block writes it anew.
  static func stream(_ count: Int, seed: UInt64) -> (x: Rows, y: Rows, typical: [Int]) {
    let weight = (0..<width * width).map { index in
      Float(index % (width + 1) == 0 ? 1 : 0)
        + Rows(width, width: width, deviation: 0.1, seed: 90).values[index]
    }
    var x = Rows(count, width: width, seed: seed)
    var y = x.mapped(by: weight) + Rows(count, width: width, deviation: 0.1, seed: seed + 1)
    let direction = Rows(1, width: width, deviation: 250, seed: 91).values
    let other = Rows(1, width: width, deviation: 250, seed: 92).values
    let noise = Rows(count, width: width, deviation: 100, seed: seed + 2).values
    let typical = (0..<count).filter { $0 % 100 != 7 }
    for row in 0..<count where row % 100 == 7 {
      for k in 0..<width {
        x.values[row * width + k] = direction[k] + noise[row * width + k]
        y.values[row * width + k] = other[k] - noise[row * width + (k + 5) % width]
      }
    }
    return (x, y, typical)
  }

  static func lengths(_ points: [Rows]) -> LengthHistogram {
    var histogram = LengthHistogram(pointCount: points.count)
    points.map(\.values).withBuffers { histogram.add($0, width: width) }
    return histogram
  }

  static func weighted(_ x: Rows, _ y: Rows, _ scale: OutlierScale) throws -> SpanMoments {
    var total = StreamMoments(width: width, spans: [PointPair(0, 1)])
    try [x.values, y.values].withBuffers { rows in
      let weights = scale.weights(
        [(position: 0, rows: rows[0]), (position: 1, rows: rows[1])], width: width)
      try total.add(rows, weights: weights)
    }
    return total.span(from: 0, to: 1)
  }

  /// The mean squared error over typical tokens.
  static func error(_ map: LinearMap, _ x: Rows, _ y: Rows, _ typical: [Int]) -> Double {
    let mapped = map.applied(to: x)
    var sum = 0.0
    for row in typical {
      for index in row * width..<(row + 1) * width {
        let error = mapped[index] - Double(y.values[index])
        sum += error * error
      }
    }
    return sum / Double(typical.count)
  }

  @Test func `outliers blind plain least squares and not the weighted fit`() throws {
    let (x, y, _) = Self.stream(3000, seed: 1)
    let (heldX, heldY, typical) = Self.stream(1000, seed: 11)
    let scale = try #require(OutlierScale(Self.lengths([x, y])))
    let (plain, plainHeld) = (try span(x, y), try span(heldX, heldY))
    let (fitted, held) = (
      try Self.weighted(x, y, scale), try Self.weighted(heldX, heldY, scale)
    )
    let least = try Fits.leastSquares(plain, held: plainHeld)
    let ours = try Fits(from: fitted).solve(fitted, held: held).linear
    let identity = Self.error(.identity, heldX, heldY, typical)
    // The best there is: a fit to typical tokens alone.
    let clean = { (rows: Rows) in
      Rows(
        typical.flatMap { row in rows.values[row * Self.width..<(row + 1) * Self.width] },
        width: Self.width)
    }
    let alone = try span(clean(heldX), clean(heldY))
    let best = min(
      identity,
      Self.error(try Fits(from: alone).solve(alone, held: alone).linear.map, heldX, heldY, typical))
    #expect(Self.error(least.map, heldX, heldY, typical) > 2 * identity)
    // The outliers' noise is 30 times that of usual tokens even where both count alike by length: what it
    // costs them is a small part of what identity does.
    #expect(best < 0.1 * identity)
    #expect(Self.error(ours.map, heldX, heldY, typical) < best + 0.15 * identity)
    // Judged by weighted rows, as forms are: the weighted fit beats identity there too.
    #expect(ours.heldResidual < Fits.identity(held: held).heldResidual)
  }

  @Test func `rows of usual length keep their weight`() {
    let rows = Rows(1000, width: Self.width, seed: 3)
    let lengths = Self.lengths([rows])
    #expect(OutlierScale(lengths) == nil)
    let scale = OutlierScale(medians: lengths.medians)
    let weights = [rows.values].withBuffers {
      scale.weights([(position: 0, rows: $0[0])], width: Self.width)
    }
    // A row twice as long as the median squared four times: far in the tail of 16 normal numbers.
    #expect(weights.allSatisfy { $0 == 1 })
  }

  @Test func `a long row counts like one of twice the usual length`() throws {
    var rows = Rows([Float](repeating: 1, count: 100 * Self.width), width: Self.width)
    for k in 0..<Self.width { rows.values[k] = 1000 }
    let scale = try #require(OutlierScale(Self.lengths([rows])))
    // Bins are an eighth of a doubling wide.
    #expect(scale.medians[0] <= 16 && scale.medians[0] > 16 * 0.91)
    let weights = [rows.values].withBuffers {
      scale.weights([(position: 0, rows: $0[0])], width: Self.width)
    }
    #expect(weights[1] == 1)
    #expect(abs(Double(weights[0]) * 16e6 / (4 * scale.medians[0]) - 1) < 1e-6)
  }

  @Test(arguments: [[Float](repeating: 0, count: 160), []])
  func `points without length have no outliers`(_ values: [Float]) {
    let lengths = Self.lengths([Rows(values, width: Self.width)])
    #expect(OutlierScale(lengths) == nil)
    #expect(lengths.medians == [0])
  }

  @Test func `numbers that are none are counted and weigh as they are`() {
    let rows = Rows([Float](repeating: .nan, count: 160), width: Self.width)
    let scale = OutlierScale(medians: Self.lengths([rows]).medians)
    let weights = [rows.values].withBuffers {
      scale.weights([(position: 0, rows: $0[0])], width: Self.width)
    }
    #expect(weights == [Float](repeating: 1, count: 10))
  }
}
