extension ResidualStream {
  /// Steps of a whole block: two where attention and MLP alternate, else one.
  package var stepsPerBlock: Int { hasPairedSteps ? 2 : 1 }

  /// The number of whole blocks.
  package var blockCount: Int { steps.count / stepsPerBlock }
}

extension CandidateSpan {
  /// Spans of so many whole blocks, by length, stream and first point.
  package static func ofBlocks(
    _ counts: ClosedRange<Int>, in streams: [ResidualStream]
  ) -> [CandidateSpan] {
    let longest = streams.map(\.blockCount).max() ?? 0
    guard counts.lowerBound > 0, counts.lowerBound <= longest else { return [] }
    return (counts.lowerBound...min(counts.upperBound, longest)).flatMap { count in
      streams.enumerated().flatMap { index, stream in
        let size = stream.stepsPerBlock
        return (0..<max(stream.blockCount - count + 1, 0)).map {
          CandidateSpan(stream: index, from: $0 * size, to: ($0 + count) * size)
        }
      }
    }
  }
}
