import GraphIR
import Operators
import Planning
import Tensors
import Testing

@testable import RBAConvert

@Suite struct ScoredPositionsTests {
  private func stream(_ layout: ResidualStream.Layout, _ shape: [Int]) -> ResidualStream {
    ResidualStream(
      points: [ValueID(0)], steps: [], type: ArrayType(.float, shape), layout: layout)
  }

  private func tensor(_ shape: [Int]) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map(Float.init), shape: shape)
  }

  @Test(
    arguments: [
      (.all, (0..<24).map(Float.init)), (.token(0), [0, 1, 2, 3, 12, 13, 14, 15]),
      (.token(1), [4, 5, 6, 7, 16, 17, 18, 19]), (.lastToken, [8, 9, 10, 11, 20, 21, 22, 23]),
    ] as [(ScoredPositions, [Float])])
  func tokensAreTheSecondAxis(positions: ScoredPositions, expected: [Float]) throws {
    let rows = try positions.rows(of: tensor([2, 3, 4]), in: stream(.lastAxis, [1, 3, 4]))
    #expect(rows.elements(as: Float.self) == expected)
    #expect(rows.shape == [expected.count / 4, 4])
  }

  /// Five tokens with padding behind, three with padding around, and a sample of padding alone.
  @Test(
    arguments: [
      (.lastToken, [8, 9, 20, 21]), (.token(0), [0, 1]), (.token(3), [6, 7, 18, 19]),
      (.token(5), []),
    ] as [(ScoredPositions, [Float])])
  func paddingIsNeverScored(positions: ScoredPositions, expected: [Float]) throws {
    let mask: [Float] = [1, 1, 1, 1, 1, 0] + [0, 0, 1, 1, 1, 0] + [0, 0, 0, 0, 0, 0]
    let rows = try positions.rows(
      of: tensor([3, 6, 2]), in: stream(.lastAxis, [1, 6, 2]), mask: mask)
    #expect(rows.elements(as: Float.self) == expected)
    #expect(rows.shape == [expected.count / 2, 2])
  }

  /// As a model's micro-batches come, two points at a time.
  @Test(
    arguments: [
      (.all, [0, 1, 2, 3, 10, 11]), (.lastToken, [2, 3, 10, 11]), (.token(0), [0, 1]),
    ] as [(ScoredPositions, [Float])])
  func paddingOfABatchIsNeverScored(positions: ScoredPositions, expected: [Float]) throws {
    let values = tensor([2, 3, 2])
    let batch = StreamBatch(
      stream: stream(.lastAxis, [1, 3, 2]), points: [0, 1], values: [values, values],
      mask: Tensor([1, 1, 0, 0, 0, 1] as [Float], shape: [2, 3]), outliers: nil)
    let rows = try positions.rows(of: batch)
    #expect(rows.map { $0.elements(as: Float.self) } == [expected, expected])
  }

  @Test func whatHasNoTokensIsScoredWhole() throws {
    for positions in [ScoredPositions.all, .token(7), .lastToken] {
      for (layout, shape) in [
        (.lastAxis, [5, 4]), (.channels, [2, 4, 3, 3]), (.lastAxis, [2, 3, 3, 4]),
      ] as [(ResidualStream.Layout, [Int])] {
        let stream = stream(layout, shape)
        let rows = try positions.rows(of: tensor(shape), in: stream)
        #expect(rows.elements(as: Float.self) == stream.rows(of: tensor(shape)))
      }
    }
  }

  @Test func tokensBeyondTheLastAreRefused() throws {
    let refusal = try failure { () throws(Failure) in
      try ScoredPositions.token(3).rows(of: tensor([2, 3, 4]), in: stream(.lastAxis, [1, 3, 4]))
    }
    #expect(refusal.status == .usage)
    #expect(refusal.message == "--score-token: expected a number from 0 to 2, got 3")
  }

  @Test(arguments: ["", "first", "-1", "1.5", "99999999999999999999"])
  func whatIsNoTokenIsRefused(text: String) throws {
    let refusal = try failure { () throws(Failure) in try ScoredPositions(text) }
    #expect(refusal.status == .usage)
    #expect(
      refusal.message == "--score-token: expected all, last, or a number from 0, got '\(text)'")
  }

  @Test func namesAreRead() throws {
    #expect(try ScoredPositions("all") == .all)
    #expect(try ScoredPositions("last") == .lastToken)
    #expect(try ScoredPositions("12") == .token(12))
  }
}
