import Testing

@testable import Statistics

@Suite struct StreamMomentsTests {
  static let x = Rows(600, width: 5, mean: 1000, seed: 1)
  static let y = Rows(600, width: 5, mean: -300, deviation: 2, seed: 2)

  /// Central moments in double, in two passes.
  static func reference(_ x: Rows, _ y: Rows) -> (meanX: [Double], meanY: [Double], xy: [Double]) {
    func mean(_ rows: Rows) -> [Double] {
      (0..<rows.width).map { k in
        (0..<rows.count).reduce(0) { $0 + Double(rows.values[$1 * rows.width + k]) }
          / Double(rows.count)
      }
    }
    let (meanX, meanY) = (mean(x), mean(y))
    let width = x.width
    let products = (0..<width * width).map { index in
      (0..<x.count).reduce(0) { sum, row in
        sum + (Double(x.values[row * width + index / width]) - meanX[index / width])
          * (Double(y.values[row * width + index % width]) - meanY[index % width])
      }
    }
    return (meanX, meanY, products)
  }

  /// What float rounding can do to Σ x y over `rows`: each product and each partial sum by half an ulp.
  static func tolerance(_ x: Rows, _ y: Rows) -> Double {
    let xx = reference(x, x).xy.max()!
    let yy = reference(y, y).xy.max()!
    return Double(x.count) * Double(Float.ulpOfOne) * (xx * yy).squareRoot()
  }

  @Test(arguments: [[600], [1, 599], [599, 1], [200, 200, 200], [0, 600], [7, 0, 93, 500]])
  func `moments are those of two passes in double, however the rows are cut`(_ chunks: [Int]) throws
  {
    let span = try moments([Self.x, Self.y], chunks: chunks).span(from: 0, to: 1)
    let expected = Self.reference(Self.x, Self.y)
    let bound = Self.tolerance(Self.x, Self.y)
    #expect(span.weight == 600)
    for k in 0..<5 {
      // Means are sums in double of 600 numbers near 1000.
      #expect(abs(span.meanX[k] - expected.meanX[k]) <= 1000 * 600 * Double.ulpOfOne)
      #expect(abs(span.meanY[k] - expected.meanY[k]) <= 1000 * 600 * Double.ulpOfOne)
    }
    for (got, wanted) in zip(span.xy, expected.xy) { #expect(abs(got - wanted) <= bound) }
    let xx = Self.reference(Self.x, Self.x).xy
    for (got, wanted) in zip(span.xx, xx) { #expect(abs(got - wanted) <= bound) }
    let yy = Self.reference(Self.y, Self.y).xy
    let trace = (0..<5).reduce(0) { $0 + yy[$1 * 6] }
    #expect(abs(span.traceYY - trace) <= 5 * 2 * bound)
  }

  @Test(arguments: [1, 2, 5])
  func `the same chunks give the same bits, on any number of threads`(_ threads: Int) throws {
    let chunks = [100, 250, 250]
    let first = try moments([Self.x, Self.y], chunks: chunks).span(from: 0, to: 1)
    let second = try moments([Self.x, Self.y], chunks: chunks, threads: threads)
      .span(from: 0, to: 1)
    #expect(first.xx.map(\.bitPattern) == second.xx.map(\.bitPattern))
    #expect(first.xy.map(\.bitPattern) == second.xy.map(\.bitPattern))
    #expect(first.meanX.map(\.bitPattern) == second.meanX.map(\.bitPattern))
    #expect(first.traceYY.bitPattern == second.traceYY.bitPattern)
  }

  @Test func `an offset that both points share leaves no trace`() throws {
    // 2^k moves the numbers without rounding those that are multiples of 2^-8.
    let grid = Rows(Self.x.values.map { (($0 - 1000) * 256).rounded() / 256 }, width: 5)
    let moved = Rows(grid.values.map { $0 + 4096 }, width: 5)
    let (near, far) = (try span(grid, grid), try span(moved, moved))
    for (a, b) in zip(near.xx, far.xx) { #expect(abs(a - b) <= Self.tolerance(grid, grid)) }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude])
  func `numbers without a square are refused by their point`(_ value: Float) {
    for point in 0..<2 {
      var points = [Self.x, Self.y]
      points[point].values[17] = value
      let error = #expect(throws: NonFiniteValues.self) { try moments(points) }
      #expect(error?.point == point)
    }
  }

  /// A row of weight n is n rows.
  @Test func `weights count rows`() throws {
    let (x, y) = (Rows(60, width: 5, mean: 3, seed: 7), Rows(60, width: 5, seed: 8))
    let weights = (0..<60).map { Float($0 % 4) }
    func repeated(_ rows: Rows) -> Rows {
      Rows(
        weights.indices.flatMap { row in
          (0..<Int(weights[row])).flatMap { _ in rows.values[row * 5..<(row + 1) * 5] }
        }, width: 5)
    }
    let expected = try span(repeated(x), repeated(y))
    var total = StreamMoments(width: 5, spans: [PointPair(0, 1)])
    for start in [0, 20] {
      let range = start..<(start == 0 ? 20 : 60)
      let parts = [x, y].map { Array($0.values[range.lowerBound * 5..<range.upperBound * 5]) }
      try parts.withBuffers { try total.add($0, weights: Array(weights[range])) }
    }
    let got = total.span(from: 0, to: 1)
    #expect(got.weight == expected.weight)
    let bound = Self.tolerance(repeated(x), repeated(y)) + 1e-4
    for (a, b) in zip(got.xy + got.xx, expected.xy + expected.xx) { #expect(abs(a - b) <= bound) }
    for (a, b) in zip(got.meanX, expected.meanX) { #expect(abs(a - b) <= 1e-12) }
    #expect(abs(got.traceYY - expected.traceYY) <= bound)
  }

  @Test func `rows that weigh nothing leave no trace`() throws {
    var total = StreamMoments(width: 5, spans: [PointPair(0, 1)])
    try [Self.x.values, Self.y.values].withBuffers {
      try total.add($0, weights: [Float](repeating: 0, count: 600))
    }
    #expect(total.weight == 0)
    #expect(total.span(from: 0, to: 1).xx.allSatisfy { $0 == 0 })
  }
}
