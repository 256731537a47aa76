import Execution
import Planning
import Statistics
import Tensors

/// Moments that one run over the data leaves of a stream.
struct StreamStatistics: Sendable {
  var fit: PartStatistics
  var held: PartStatistics

  subscript(part: SamplePart) -> PartStatistics {
    get { part == .fit ? fit : held }
    _modify {
      switch part {
      case .fit: yield &fit
      case .held: yield &held
      }
    }
  }
}

/// Runs the original over samples and hands on the values of streams' points, which are never kept.
struct StreamObservation {
  let study: Study
  /// The points to look at, by stream.
  let points: [[Int]]

  /// Calls `work` on the workers, with each micro-batch's values of every stream's points and how many
  /// samples they are of, and `merge` with what it gives, in order.
  ///
  /// All points are computed whichever are looked at: how samples are cut into micro-batches depends on
  /// what is computed, and what is gathered must not depend on what is gathered beside it.
  func forEachMicroBatch<Result: Sendable>(
    _ samples: SampleSelection, work: @Sendable ([StreamBatch], _ samples: Int) throws -> Result,
    merge: (Result) throws -> Void
  ) throws(Failure) {
    let names = zip(study.streams, points).map { stream, points in
      points.map { study.name($0, of: stream) }
    }
    let all = study.streams.flatMap { stream in
      stream.points.indices.map { study.name($0, of: stream) }
    }
    let executor = try study.executor(fetches: Set(all).sorted())
    var done = 0
    try study.reporting {
      try study.forEachBatch(
        of: samples, executor,
        work: { batch, range in
          let values = study.streams.indices.map { index in
            let values = names[index].map { batch.fetches[$0]! }
            return StreamBatch(
              stream: study.streams[index], points: points[index], values: values,
              mask: study.mask(of: index, in: batch.feeds, rows: values.first?.shape.first ?? 0),
              outliers: study.outliers[index], firstSample: range.lowerBound)
          }
          return (range.count, try work(values, study.batching.separableSamples(in: range)))
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
  ///
  /// - Parameter kinds: the moments to take beside those of tokens, by stream.
  func gatheredMoments(
    of spans: [CandidateSpan], kinds: [MomentKinds]
  ) throws(Failure) -> [StreamStatistics] {
    try gather(spans, kinds: kinds, profiling: false).map(\.moments)
  }

  /// The moments of spans and, if asked for, the profiles of all points they touch.
  ///
  /// - Parameter kinds: the moments to take beside those of tokens, by stream.
  func gather(
    _ spans: [CandidateSpan], kinds: [MomentKinds], profiling: Bool
  ) throws(Failure) -> [StreamRecord] {
    var result = streams.indices.map { index in
      let width = streams[index].width
      let moments = PartStatistics(
        width: width, spans: spans.filter { $0.stream == index }.map(\.pair),
        kinds: kinds[index])
      return StreamRecord(
        moments: StreamStatistics(fit: moments, held: moments),
        profiles: PointProfiles(width: width, points: profiling ? moments.tokens.points : []))
    }
    let points = result.map(\.moments.fit.tokens.points)
    let sampling = zip(result, streams).map { record, stream in
      record.moments.fit.patches.map { PatchSampling($0, stream: stream, samples: fit.count) }
    }
    // What rows weigh depends on all points.
    let observed = streams.indices.map { index in
      outliers[index] == nil || points[index].isEmpty
        ? points[index] : Array(streams[index].points.indices)
    }
    let observation = StreamObservation(study: self, points: observed)
    for part in SamplePart.allCases {
      try observation.forEachMicroBatch(
        samples(of: part),
        work: { batches, samples in
          batches.indices.map { index -> GatheredPiece? in
            let batch = batches[index]
            guard !batch.points.isEmpty else { return nil }
            let piece = batch.piece(
              for: points[index], kinds: kinds[index], patches: sampling[index])
            return GatheredPiece(
              moments: piece,
              figures: profiling
                ? piece.rows.figures(width: batch.stream.width, samples: samples) : [])
          }
        },
        merge: { pieces in
          for (index, piece) in pieces.enumerated() {
            guard let piece else { continue }
            result[index].profiles.add(piece.figures, to: part)
            try result[index].moments[part].add(piece.moments, threads: threads)
          }
        })
    }
    return result
  }

  /// What a few samples add to moments and to profiles.
  private struct GatheredPiece: Sendable {
    let moments: StreamPiece
    let figures: [[[Double]]]
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
        work: { values, _ in
          var part = none
          for (index, batch) in values.enumerated() {
            batch.rows().points.withBuffers { part[index].add($0) }
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
