import Testing

@testable import Statistics

@Suite struct StreamMomentsStorageTests {
  private static let spans = [PointPair(0, 1), PointPair(1, 3), PointPair(0, 3)]

  /// Rows of three observed points of a stream of four.
  private static func points(_ rows: Range<Int>) -> [[Float]] {
    ([(1000, 1), (-3, 2), (0.5, 3)] as [(Float, UInt64)]).map { mean, seed in
      let all = Rows(200, width: 4, mean: mean, seed: seed)
      return Array(all.values[rows.lowerBound * 4..<rows.upperBound * 4])
    }
  }

  private func moments(_ rows: Range<Int>...) throws -> StreamMoments {
    var result = StreamMoments(width: 4, spans: Self.spans)
    for rows in rows { try Self.points(rows).withBuffers { try result.add($0) } }
    return result
  }

  private func stored(_ moments: StreamMoments) -> [String: [Double]] {
    var result: [String: [Double]] = [:]
    moments.takeApart { part, values in
      #expect(values.count == part.shape.reduce(1, *))
      #expect(result.updateValue(values, forKey: part.name) == nil)
    }
    return result
  }

  @Test func `parts are named for points and pairs`() throws {
    let names = StreamMoments.parts(width: 4, spans: Self.spans).map(\.name)
    #expect(
      names == [
        "mean.0", "squares.0", "mean.1", "squares.1", "mean.3", "squares.3", "products.0.0",
        "products.0.1", "products.0.3", "products.1.1", "products.1.3",
      ])
    #expect(try moments(0..<9).keptPairs == StreamMoments.kept(for: Self.spans).pairs)
  }

  @Test func `moments come back to the bit`() throws {
    let original = try moments(0..<90, 90..<200)
    let parts = stored(original)
    let back = StreamMoments(width: 4, spans: Self.spans, rowCount: 200) { parts[$0.name]! }
    for span in Self.spans {
      let (a, b) = (
        original.span(from: span.from, to: span.to), back.span(from: span.from, to: span.to)
      )
      #expect(a.weight == b.weight)
      #expect(a.meanX.map(\.bitPattern) == b.meanX.map(\.bitPattern))
      #expect(a.meanY.map(\.bitPattern) == b.meanY.map(\.bitPattern))
      #expect(a.xx.map(\.bitPattern) == b.xx.map(\.bitPattern))
      #expect(a.xy.map(\.bitPattern) == b.xy.map(\.bitPattern))
      #expect(a.traceYY.bitPattern == b.traceYY.bitPattern)
    }
  }

  @Test func `some spans are read of more`() throws {
    let parts = stored(try moments(0..<200))
    let few = StreamMoments(width: 4, spans: [PointPair(1, 3)], rowCount: 200) { parts[$0.name]! }
    let whole = try moments(0..<200)
    #expect(few.span(from: 1, to: 3).xy == whole.span(from: 1, to: 3).xy)
    #expect(few.span(from: 1, to: 3).xx == whole.span(from: 1, to: 3).xx)
  }

  @Test(arguments: [0, 1, 77, 199, 200])
  func `merged moments are those of all rows`(_ cut: Int) throws {
    var merged = try moments(0..<cut)
    merged.merge(try moments(cut..<200))
    let whole = try moments(0..<200)
    for span in Self.spans {
      let (a, b) = (
        merged.span(from: span.from, to: span.to), whole.span(from: span.from, to: span.to)
      )
      #expect(a.weight == 200)
      // Sums of 200 products in float, each of at most the largest variance: 200 ε √(xx yy).
      let bound =
        200 * Double(Float.ulpOfOne) * (b.xx.max()! * max(b.traceYY, 1)).squareRoot()
      for (x, y) in zip(a.xy + a.xx, b.xy + b.xx) { #expect(abs(x - y) <= bound) }
      // Means near 1000, in double.
      for (x, y) in zip(a.meanX + a.meanY, b.meanX + b.meanY) { #expect(abs(x - y) <= 1e-10) }
      #expect(abs(a.traceYY - b.traceYY) <= bound)
    }
  }

  @Test func `rows added in pieces merge to the same but for rounding`() throws {
    // One addition per side is exactly what adding to moments does.
    var merged = try moments(0..<80)
    merged.merge(try moments(80..<200))
    let added = try moments(0..<80, 80..<200)
    let bound = 4 * Double.ulpOfOne
    for span in Self.spans {
      let (a, b) = (
        merged.span(from: span.from, to: span.to), added.span(from: span.from, to: span.to)
      )
      for (x, y) in zip(a.xy + a.xx, b.xy + b.xx) {
        #expect(abs(x - y) <= bound * max(b.xx.max()!, b.traceYY))
      }
    }
  }
}
