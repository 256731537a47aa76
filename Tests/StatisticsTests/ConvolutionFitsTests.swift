import Testing

@testable import Statistics

@Suite struct ConvolutionFitsTests {
  static let width = 3
  static let height = 5
  static let columns = 4

  /// Pictures as rows of pixels, and the neighbourhoods of all pixels.
  static func pictures(_ count: Int, seed: UInt64) -> (x: Rows, patches: Rows) {
    let area = height * columns
    let x = Rows(count * area, width: width, mean: 0.5, seed: seed)
    var patches = [Float](repeating: 0, count: count * area * 9 * width)
    for row in 0..<count * area {
      let (picture, place) = (row / area, row % area)
      for offset in 0..<9 {
        let (v, u) = (place / columns + offset / 3 - 1, place % columns + offset % 3 - 1)
        guard (0..<height).contains(v), (0..<columns).contains(u) else { continue }
        for k in 0..<width {
          patches[(row * 9 + offset) * width + k] =
            x.values[(picture * area + v * columns + u) * width + k]
        }
      }
    }
    return (x, Rows(patches, width: 9 * width))
  }

  static func moments(_ x: Rows, _ patches: Rows, _ y: Rows, chunks: [Int]) throws -> PatchMoments {
    let pair = PointPair(2, 5)
    var total = PatchMoments(width: width, extent: 3, spans: [pair])
    var start = 0
    for count in chunks {
      let rows = start..<start + count
      let difference = (rows.lowerBound * width..<rows.upperBound * width).map {
        y.values[$0] - x.values[$0]
      }
      let features = patches.values[
        rows.lowerBound * patches.width..<rows.upperBound * patches.width]
      try total.add(features: [Array(features)], differences: [difference])
      start += count
    }
    return total
  }

  @Test(arguments: [[4000], [1, 1999, 2000], [1000, 3000]])
  func `a known convolution is recovered, however the rows are cut`(_ chunks: [Int]) throws {
    let (x, patches) = Self.pictures(200, seed: 1)
    let known = LinearMap.convolution(
      kernel: Rows(9 * Self.width, width: Self.width, deviation: 0.3, seed: 2).values,
      bias: [1, -2, 3])
    let y = Rows(
      known.applied(to: x, shape: (Self.height, Self.columns)).map { Float($0) },
      width: Self.width)
    let moments = try Self.moments(x, patches, y, chunks: chunks).span(PointPair(2, 5))
    let all = try span(x, y)
    let fit = try ConvolutionFits(from: moments).fit(moments, held: moments, scaledTo: all)
    #expect(fit.map.parameterCount == 9 * 9 + 3)
    // A ridge of 10⁻⁵ and the float sums of 4000 products.
    #expect(fit.heldR2 > 1 - 1e-5)
    let mapped = fit.map.applied(to: x, shape: (Self.height, Self.columns))
    let direct = zip(mapped, y.values).reduce(0) {
      $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1))
    }
    #expect(direct <= 1e-5 * all.traceYY)
  }

  @Test func `bytes are those of the matrices`() {
    let spans = [PointPair(0, 1), PointPair(0, 2), PointPair(1, 2)]
    let bytes = PatchMoments.byteCount(width: 4, extent: 3, spans: spans)
    #expect(bytes == 8 * (2 * 36 * 36 + 3 * 36 * 4))
    #expect(PatchMoments.byteCount(width: .max, extent: 3, spans: spans) == .max)
  }

  @Test func `numbers that are not finite are refused by their point`() throws {
    var total = PatchMoments(width: 1, extent: 1, spans: [PointPair(3, 4)])
    let bad = #expect(throws: NonFiniteValues.self) {
      try total.add(features: [[.nan]], differences: [[1]])
    }
    #expect(bad?.point == 3)
    let other = #expect(throws: NonFiniteValues.self) {
      try total.add(features: [[1]], differences: [[.infinity]])
    }
    #expect(other?.point == 4)
  }
}
