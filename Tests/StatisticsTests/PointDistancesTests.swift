import Testing

@testable import Statistics

@Suite struct PointDistancesTests {
  static let x = Rows(300, width: 5, mean: 2, seed: 11)
  static let y = Rows(300, width: 5, mean: -1, deviation: 3, seed: 12)

  @Test(arguments: [[300], [1, 299], [100, 0, 200]])
  func `residuals are those of the best shift`(_ chunks: [Int]) throws {
    let pair = PointPair(0, 1)
    var total = PointDistances(width: 5, pointCount: 2, pairs: [pair])
    var start = 0
    for rows in chunks {
      var part = PointDistances(width: 5, pointCount: 2, pairs: [pair])
      let range = start * 5..<(start + rows) * 5
      [Array(Self.x.values[range]), Array(Self.y.values[range])].withBuffers { part.add($0) }
      total.merge(part)
      start += rows
    }
    let moments = try span(Self.x, Self.y)
    let expected = moments.traceDifference / moments.traceYY
    // Products of the moments are float sums of 300 numbers.
    #expect(abs(total.residuals[0] - expected) <= 300 * Double(Float.ulpOfOne) * expected)
  }

  @Test func `a shift leaves nothing, and a constant nothing to explain`() {
    var distances = PointDistances(
      width: 2, pointCount: 3, pairs: [PointPair(0, 1), PointPair(0, 2), PointPair(2, 2)])
    let points: [[Float]] = [[1, 2, 3, 4], [11, 22, 13, 24], [5, 5, 5, 5]]
    points.withBuffers { distances.add($0) }
    #expect(distances.residuals == [0, .infinity, 0])
  }
}
