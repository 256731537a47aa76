import Planning
import Statistics
import Tensors

/// The published scores of one span.
struct SpanScores: Sendable {
  let span: CandidateSpan
  let pair: PairScores
  /// `nil` where it was not asked for: it takes products of d × d.
  let linearCKA: Double?
}

extension Study {
  /// The published scores of spans, over the samples fitted on and in the spans' order.
  ///
  /// - Parameter memory: bytes that the products of linear CKA may take; where all do not fit, the
  ///   samples run again for the rest.
  func publishedScores(
    of spans: [CandidateSpan], over positions: ScoredPositions, withCKA: Bool, memory: Int
  ) throws(Failure) -> [SpanScores] {
    guard withCKA else { return try scores(of: spans[...], over: positions, withCKA: false) }
    var result: [SpanScores] = []
    var rest = spans[...]
    while !rest.isEmpty {
      var count = rest.count
      while count > 1, bytesForCKA(rest.prefix(count)) > memory { count /= 2 }
      result += try scores(of: rest.prefix(count), over: positions, withCKA: true)
      rest = rest.dropFirst(count)
    }
    return result
  }

  private func bytesForCKA(_ spans: ArraySlice<CandidateSpan>) -> Int {
    var total = 0
    for (stream, group) in Dictionary(grouping: spans, by: \.stream) {
      let bytes = StreamMoments.byteCount(
        width: streams[stream].width, spans: StreamMoments.pairsForCKA(group.map(\.pair)))
      total = saturatingSum(total, bytes)
    }
    return total
  }

  /// One run over the samples.
  private func scores(
    of spans: ArraySlice<CandidateSpan>, over positions: ScoredPositions, withCKA: Bool
  ) throws(Failure) -> [SpanScores] {
    let spans = Array(spans)
    let groups = streams.indices.map { index in spans.filter { $0.stream == index }.map(\.pair) }
    let points = groups.map { StreamMoments.kept(for: $0).points }
    var moments = zip(streams, withCKA ? groups : []).map { stream, pairs in
      StreamMoments(width: stream.width, spans: StreamMoments.pairsForCKA(pairs))
    }
    let places = points.map { points in
      Dictionary(uniqueKeysWithValues: points.enumerated().map { ($1, $0) })
    }
    var sums = spans.map { _ in PairScores() }
    try StreamObservation(study: self, points: points).forEachMicroBatch(
      fit,
      work: { batches, _ in
        let values = try batches.map { try positions.rows(of: $0) }
        let parts = spans.map { span in
          let (values, places) = (values[span.stream], places[span.stream])
          var scores = PairScores()
          values[places[span.from]!].withFloats { x in
            values[places[span.to]!].withFloats { y in
              scores.add(x, y, width: streams[span.stream].width)
            }
          }
          return scores
        }
        return (parts, withCKA ? values : [])
      },
      merge: { parts, values in
        for (index, part) in parts.enumerated() { sums[index].merge(part) }
        for (index, values) in values.enumerated() {
          try values.withBuffers { try moments[index].add($0, threads: threads) }
        }
      })
    guard !sums.contains(where: \.isEmpty) else { throw paddingAlone(at: positions) }
    if let index = sums.firstIndex(where: { !$0.isFinite }) {
      let span = spans[index].label(in: streams)
      throw Failure(
        .malformedInput,
        "\(loaded.path): the values at the ends of span '\(span)' are not all finite")
    }
    return zip(spans, sums).map { span, pair in
      SpanScores(
        span: span, pair: pair,
        linearCKA: withCKA ? moments[span.stream].linearCKA(from: span.from, to: span.to) : nil)
    }
  }

  /// What is said where no row counts.
  private func paddingAlone(at positions: ScoredPositions) -> Failure {
    guard case .token(let number) = positions else {
      return Failure(
        .malformedInput,
        "\(fit.samples.source): expected tokens to score spans by, got padding alone")
    }
    return Failure(
      .usage, "--score-token: expected a token of some sample, got \(number), padding in all")
  }

  /// What a score says of each choice.
  func values(
    of score: Score, for choices: [Choice], over positions: ScoredPositions, memory: Int
  ) throws(Failure) -> [Double] {
    switch score {
    case .relativeResidual: return choices.map { 1 - $0.fit.heldR2 }
    case .outputDamage: return choices.map { $0.damage! }
    case .blockRedundancy, .cosine, .angularDistance, .linearCKA:
      return try publishedScores(
        of: choices.map(\.span), over: positions, withCKA: score == .linearCKA, memory: memory
      ).map { $0.value(of: score) }
    }
  }
}

extension SpanScores {
  /// One of the published scores, which was asked for.
  func value(of score: Score) -> Double {
    switch score {
    case .blockRedundancy: return pair.blockRedundancy
    case .cosine: return pair.cosine
    case .angularDistance: return pair.angularDistance
    case .linearCKA:
      guard let linearCKA else { preconditionFailure("linear CKA was not asked for") }
      return linearCKA
    case .relativeResidual, .outputDamage:
      preconditionFailure("\(score.rawValue) is no published score")
    }
  }
}
