import Glibc
import Testing

@testable import Statistics

@Suite struct PublishedScoresTests {
  @Test func `scores are their definitions, however the rows are cut`() {
    let (x, y) = (Rows(30, width: 8, mean: 1, seed: 3), Rows(30, width: 8, mean: 1, seed: 4))
    func scores(_ range: Range<Int>) -> PairScores {
      var scores = PairScores()
      let indices = range.lowerBound * 8..<range.upperBound * 8
      [Array(x.values[indices]), Array(y.values[indices])].withBuffers {
        scores.add($0[0], $0[1], width: 8)
      }
      return scores
    }
    var distance = 0.0
    var (cosine, angle) = (0.0, 0.0)
    for row in 0..<30 {
      let pairs = (row * 8..<row * 8 + 8).map { (Double(x.values[$0]), Double(y.values[$0])) }
      distance += pairs.reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
      let norms = pairs.reduce((0.0, 0.0)) { ($0.0 + $1.0 * $1.0, $0.1 + $1.1 * $1.1) }
      let each = pairs.reduce(0) { $0 + $1.0 * $1.1 } / (norms.0 * norms.1).squareRoot()
      cosine += each
      angle += acos(each) / .pi
    }
    var parts = scores(0..<11)
    parts.merge(scores(11..<30))
    for result in [scores(0..<30), parts] {
      #expect(abs(result.blockRedundancy + distance / 30) <= 1e-12)
      #expect(abs(result.cosine - cosine / 30) <= 1e-14)
      #expect(abs(result.angularDistance - angle / 30) <= 1e-13)
      #expect(result.isFinite)
    }
  }

  @Test func `a row of zeros is like itself only`() {
    func cosine(_ x: [Float], _ y: [Float]) -> Double {
      var scores = PairScores()
      [x, y].withBuffers { scores.add($0[0], $0[1], width: 2) }
      return scores.cosine
    }
    #expect(cosine([0, 0], [0, 0]) == 1)
    #expect(cosine([0, 0], [1, 2]) == 0)
    #expect(cosine([1, 2], [0, 0]) == 0)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func `what is no number is told`(_ value: Float) {
    var scores = PairScores()
    [[1, 2], [1, value]].withBuffers { scores.add($0[0], $0[1], width: 2) }
    #expect(!scores.isFinite)
  }

  // MARK: Linear CKA

  private static let x = Rows(200, width: 6, mean: 3, seed: 5)

  private static func cka(_ x: Rows, _ y: Rows, chunks: [Int]? = nil) throws -> Double {
    try withDiagonal([x, y], chunks: chunks).linearCKA(from: 0, to: 1)
  }

  /// The moments that linear CKA is made of and no others.
  private static func withDiagonal(_ points: [Rows], chunks: [Int]?) throws -> StreamMoments {
    let width = points[0].width
    var total = StreamMoments(
      width: width, spans: StreamMoments.pairsForCKA([PointPair(0, 1)]))
    var start = 0
    for rows in chunks ?? [points[0].count] {
      let slices = points.map { Array($0.values[start * width..<(start + rows) * width]) }
      try slices.withBuffers { try total.add($0) }
      start += rows
    }
    return total
  }

  /// By the rows' centred Gram matrices, n × n in double: tr(K L) / (‖K‖ ‖L‖).
  private static func reference(_ x: Rows, _ y: Rows) -> Double {
    func gram(_ rows: Rows) -> [Double] {
      let (n, d) = (rows.count, rows.width)
      let means = (0..<d).map { k in
        (0..<n).reduce(0) { $0 + Double(rows.values[$1 * d + k]) } / Double(n)
      }
      return (0..<n * n).map { index in
        (0..<d).reduce(0) { sum, k in
          sum + (Double(rows.values[index / n * d + k]) - means[k])
            * (Double(rows.values[index % n * d + k]) - means[k])
        }
      }
    }
    let (k, l) = (gram(x), gram(y))
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    return dot(k, l) / (dot(k, k) * dot(l, l)).squareRoot()
  }

  /// Each product is a sum of 200 terms in float, off by at most 200 ε of its own bound; the ratio of three
  /// such norms by less than six times that.
  private static let tolerance = 6 * 200 * Double(Float.ulpOfOne)

  @Test(arguments: [[200], [1, 199], [50, 50, 50, 50]])
  func `CKA is that of the rows' Gram matrices`(_ chunks: [Int]) throws {
    let noise = Rows(200, width: 6, mean: -2, deviation: 0.7, seed: 6)
    let weight = Rows(6, width: 6, seed: 7).values
    let y = Self.x.mapped(by: weight) + noise
    let expected = Self.reference(Self.x, y)
    #expect(expected > 0.2 && expected < 0.95)
    #expect(abs(try Self.cka(Self.x, y, chunks: chunks) - expected) <= Self.tolerance)
  }

  @Test func `rotations, shifts and scales are passed over`() throws {
    // The reflection across the plane orthogonal to (1, …, 1) / √6, three times as large.
    let rotation = (0..<36).map { Float(3 * (($0 / 6 == $0 % 6 ? 1.0 : 0) - 2.0 / 6)) }
    let y = Self.x.mapped(by: rotation, bias: [1, -2, 3, -4, 5, -6])
    #expect(abs(try Self.cka(Self.x, y) - 1) <= Self.tolerance)
    #expect(try Self.cka(Self.x, Self.x) == 1)
  }

  @Test func `points that do not vary together have none`() throws {
    let x = Rows([1, 0, -1, 0, 1, 0, -1, 0], width: 2)
    let y = Rows([0, 1, 0, 1, 0, -1, 0, -1], width: 2)
    #expect(try Self.cka(x, y) == 0)
    let constant = Rows([5, 5, 5, 5, 5, 5, 5, 5], width: 2)
    #expect(try Self.cka(x, constant) == 0)
    #expect(try Self.cka(constant, x) == 0)
    #expect(try Self.cka(constant, constant) == 1)
  }
}
