import Planning
import Statistics

extension AnalysisResult {
  /// Spans that are scored at most, short ones first.
  private static let mostScored = 2048

  /// The published scores of single blocks, and of all longer spans of blocks as far as they are not too
  /// many.
  func scores(
    _ diagnostics: Diagnostics, token: String?
  ) throws(Failure) -> [ConversionReport.Scores] {
    let positions: ScoredPositions
    if let token { positions = try ScoredPositions(token) } else { positions = .all }
    let streams = study.streams
    var spans = CandidateSpan.ofBlocks(1...1, in: streams)
    let longest = streams.map(\.blockCount).max() ?? 0
    for length in 2..<max(longest + 1, 2) {
      let next = CandidateSpan.ofBlocks(length...length, in: streams)
      guard spans.count + next.count <= Self.mostScored else {
        diagnostics.note(
          "spans of more than \(length - 1) blocks are not scored: they are too many")
        break
      }
      spans += next
    }
    return try study.publishedScores(
      of: spans, over: positions, withCKA: true, memory: selector.memory
    ).map { scores in
      ConversionReport.Scores(
        label: scores.span.label(in: streams), from: study.name(scores.span.start),
        to: study.name(scores.span.end),
        blocks: Array(scores.span.from..<scores.span.to),
        blockRedundancy: scores.pair.blockRedundancy, cosine: scores.pair.cosine,
        angularDistance: scores.pair.angularDistance, linearCKA: scores.value(of: .linearCKA))
    }
  }
}
