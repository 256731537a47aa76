import Testing

@testable import Planning

@Suite struct SpanSetTests {
  private func member(_ from: Int, _ to: Int, _ form: ReplacementForm = .identity)
    -> SpanSet.Member
  { SpanSet.Member(CandidateSpan(stream: 0, from: from, to: to), form) }

  @Test func spansThatTouchBecomeOneOfTheRicherForm() {
    let set = SpanSet([member(4, 6, .linear), member(1, 2), member(2, 3, .bias), member(6, 7)])
    #expect(set.members == [member(1, 3, .bias), member(4, 7, .linear)])
    #expect(SpanSet([member(1, 2), member(3, 4)]).adding(2, of: 0).members == [member(1, 4)])
    #expect(
      SpanSet([member(1, 2, .bias), member(2, 3, .lowRank)]).members == [member(1, 3, .lowRank)])
    let elsewhere = SpanSet.Member(CandidateSpan(stream: 1, from: 2, to: 3), .identity)
    #expect(SpanSet([member(1, 2), elsewhere]).members == [member(1, 2), elsewhere])
  }

  @Test func aStepKeptAgainShortensItsSpanOrSplitsIt() {
    let set = SpanSet([member(0, 1), member(2, 5, .linear)])
    #expect(set.keeping(0, of: 0) == SpanSet([member(2, 5, .linear)]))
    #expect(set.keeping(2, of: 0) == SpanSet([member(0, 1), member(3, 5, .linear)]))
    #expect(
      set.keeping(3, of: 0)
        == SpanSet([member(0, 1), member(2, 3, .linear), member(4, 5, .linear)]))
    #expect(set.keeping(4, of: 0) == SpanSet([member(0, 1), member(2, 4, .linear)]))
    #expect(set.keeping(1, of: 0) == set && set.keeping(3, of: 1) == set)
    #expect(set.covers(4, of: 0) && !set.covers(5, of: 0) && !set.covers(2, of: 1))
  }
}
