import Execution
import Planning
import Statistics
import Tensors

/// What one run over the data leaves of a stream.
struct StreamStatistics: Sendable {
  var fit: StreamMoments
  var held: StreamMoments
  /// The published scores of consecutive points, over the rows fitted on.
  var scores: [PairScores]
}

/// Runs the original over all samples and keeps second moments of the points, never their values.
struct MomentsPass {
  let study: Study
  /// The spans that fits will be asked for, by stream.
  let spans: [CandidateSpan]

  func run() throws(Failure) -> [StreamStatistics] {
    let layouts = study.streams.enumerated().map { index, stream in
      StreamMoments(
        width: stream.width, pointCount: stream.points.count,
        pairs: spans.filter { $0.stream == index }.map { PointPair($0.from, $0.to) })
    }
    var result = layouts.map {
      StreamStatistics(
        fit: $0, held: $0,
        scores: Array(repeating: PairScores(), count: max($0.pointCount - 1, 0)))
    }
    let names = study.streams.map { stream in
      stream.points.indices.map { study.name($0, of: stream) }
    }
    let executor = try study.executor(fetches: Array(Set(names.flatMap(\.self))).sorted())
    let total = Double(study.fit.count + study.held.count)
    var done = 0
    for (samples, isHeld) in [(study.fit, false), (study.held, true)] {
      try study.reporting {
        try executor.forEachMicroBatch(
          samples.feeds,
          work: { batch in
            try (
              batch.samples.count,
              zip(zip(study.streams, names), layouts).map { stream, layout in
                try observe(stream.0, stream.1.map { batch.fetches[$0]! }, layout)
              }
            )
          },
          merge: { count, chunks in
            for (index, (chunk, scores)) in chunks.enumerated() {
              if isHeld {
                result[index].held.merge(chunk)
              } else {
                result[index].fit.merge(chunk)
                for step in scores.indices { result[index].scores[step].merge(scores[step]) }
              }
            }
            done += count
            study.diagnostics.progress("calibrating", Double(done) / total)
          })
      }
    }
    return result
  }

  private func observe(
    _ stream: ResidualStream, _ values: [Tensor], _ layout: StreamMoments
  ) throws -> (MomentsChunk, [PairScores]) {
    let rows = values.map { stream.rows(of: $0) }
    return try withBuffers(rows[...], []) { buffers in
      let scores = zip(buffers, buffers.dropFirst()).map { x, y in
        var scores = PairScores()
        scores.add(x, y, width: stream.width)
        return scores
      }
      return (try MomentsChunk(buffers, for: layout), scores)
    }
  }

  /// Calls `body` with the buffers of all arrays at once.
  private func withBuffers<Result>(
    _ arrays: ArraySlice<[Float]>, _ buffers: [UnsafeBufferPointer<Float>],
    _ body: ([UnsafeBufferPointer<Float>]) throws -> Result
  ) throws -> Result {
    guard let first = arrays.first else { return try body(buffers) }
    return try first.withUnsafeBufferPointer {
      try withBuffers(arrays.dropFirst(), buffers + [$0], body)
    }
  }
}
