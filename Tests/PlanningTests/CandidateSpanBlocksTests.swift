import Testing

@testable import Planning

@Suite struct CandidateSpanBlocksTests {
  @Test func blocksArePairsWhereStepsAlternate() throws {
    let streams = try StreamFixture.preNorm(blocks: 3).find().streams
    #expect(streams.map(\.blockCount) == [3])
    #expect(streams.map(\.stepsPerBlock) == [2])
    func spans(_ counts: ClosedRange<Int>) -> [String] {
      CandidateSpan.ofBlocks(counts, in: streams).map { $0.label(in: streams) }
    }
    #expect(spans(1...1) == ["0:1", "1:2", "2:3"])
    #expect(spans(2...9) == ["0:2", "1:3", "0:3"])
    #expect(spans(4...9) == [])
    #expect(spans(0...2) == [])
  }

  @Test func everyStepIsABlockElsewhere() throws {
    var fixture = StreamFixture()
    var h = try fixture.input("x")
    for index in 1...3 {
      h = try fixture.apply("Add", [h, try fixture.mlp(try fixture.norm(h))], "h\(index)")
    }
    fixture.output(h)
    let streams = fixture.find().streams
    #expect(streams.map(\.stepsPerBlock) == [1])
    let spans = CandidateSpan.ofBlocks(1...2, in: streams)
    #expect(spans.map { $0.to - $0.from } == [1, 1, 1, 2, 2])
    #expect(spans.map(\.from) == [0, 1, 2, 0, 1])
  }
}
