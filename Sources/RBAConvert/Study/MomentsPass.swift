import Execution
import Planning
import Statistics
import Tensors

/// Second moments that one run over the data leaves of a stream.
struct StreamStatistics: Sendable {
  var fit: StreamMoments
  var held: StreamMoments
}

/// Runs the original over samples and hands on the values of streams' points, which are never kept.
struct StreamObservation {
  let study: Study
  /// The points to look at, by stream.
  let points: [[Int]]
  /// Which of their rows.
  var positions = ScoredPositions.all

  /// Calls `work` on the workers, with each micro-batch's values of every stream's points, and `merge`
  /// with what it gives, in order.
  func forEachMicroBatch<Result: Sendable>(
    _ samples: SampleSelection, work: @Sendable ([[Tensor]]) throws -> Result,
    merge: (Result) throws -> Void
  ) throws(Failure) {
    let names = zip(study.streams, points).map { stream, points in
      points.map { study.name($0, of: stream) }
    }
    let executor = try study.executor(fetches: Array(Set(names.flatMap(\.self))).sorted())
    var done = 0
    try study.reporting {
      try study.forEachBatch(
        of: samples, executor,
        work: { batch, range in
          let values = try zip(study.streams, names).map { stream, names in
            try names.map { try positions.rows(of: batch.fetches[$0]!, in: stream) }
          }
          return (range.count, try work(values))
        },
        merge: { count, result in
          try merge(result)
          done += count
          study.diagnostics.progress("calibrating", Double(done) / Double(samples.count))
        })
    }
  }
}

extension Study {
  /// The moments of spans, over the samples fitted on and those held out.
  func moments(of spans: [CandidateSpan]) throws(Failure) -> [StreamStatistics] {
    var result = streams.indices.map { index in
      let moments = StreamMoments(
        width: streams[index].width, spans: spans.filter { $0.stream == index }.map(\.pair))
      return StreamStatistics(fit: moments, held: moments)
    }
    let observation = StreamObservation(study: self, points: result.map(\.fit.points))
    for part in [\StreamStatistics.fit, \.held] {
      try observation.forEachMicroBatch(
        part == \.fit ? fit : held, work: { $0 },
        merge: { values in
          for (index, values) in values.enumerated() {
            try values.withBuffers { try result[index][keyPath: part].add($0, threads: threads) }
          }
        })
    }
    return result
  }

  /// The share of variance that each span's best shift leaves, over the samples fitted on.
  func distances(of spans: [CandidateSpan]) throws(Failure) -> [CandidateSpan: Double] {
    let groups = streams.indices.map { index in spans.filter { $0.stream == index } }
    let none = zip(streams, groups).map { stream, spans in
      PointDistances(
        width: stream.width, pointCount: stream.points.count, pairs: spans.map(\.pair))
    }
    var total = none
    try StreamObservation(study: self, points: streams.map { Array($0.points.indices) })
      .forEachMicroBatch(
        fit,
        work: { values in
          var part = none
          for (index, values) in values.enumerated() {
            try values.withBuffers { part[index].add($0) }
          }
          return part
        }, merge: { part in for index in total.indices { total[index].merge(part[index]) } })
    let residuals = zip(groups, total).flatMap { Array(zip($0, $1.residuals)) }
    return Dictionary(uniqueKeysWithValues: residuals)
  }
}

extension CandidateSpan {
  var pair: PointPair { PointPair(from, to) }
}

extension [Tensor] {
  /// Calls `body` with the elements of all tensors, which are of floats.
  func withBuffers<Result>(
    _ body: ([UnsafeBufferPointer<Float>]) throws -> Result
  ) throws -> Result {
    func descend(_ buffers: [UnsafeBufferPointer<Float>]) throws -> Result {
      guard buffers.count < count else { return try body(buffers) }
      return try self[buffers.count].withFloats { try descend(buffers + [$0]) }
    }
    return try descend([])
  }
}
