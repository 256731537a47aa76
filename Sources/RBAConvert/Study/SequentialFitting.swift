import Execution
import GraphIR
import Planning
import Statistics
import Tensors

/// Refits the maps of several spans one after another, each on what the model computes once those
/// before it are in place, toward what the original computes.
struct SequentialFitting {
  let study: Study
  let policy: FitPolicy

  /// The same spans in the same forms. The first of each stream keeps its map: nothing before it changed.
  func refit(_ choices: [Choice]) throws(Failure) -> [Choice] {
    let ordered = choices.sorted { ($0.span.stream, $0.span.from) < ($1.span.stream, $1.span.from) }
    var done: [Choice] = []
    for (index, choice) in ordered.enumerated() {
      study.diagnostics.progress("fitting in sequence", Double(index) / Double(ordered.count))
      let isFirst = !done.contains { $0.span.stream == choice.span.stream }
      done.append(isFirst || choice.form == .identity ? choice : try refit(choice, behind: done))
    }
    study.diagnostics.progress("fitting in sequence", 1)
    return done
  }

  private func refit(_ choice: Choice, behind earlier: [Choice]) throws(Failure) -> Choice {
    let stream = study.streams[choice.span.stream]
    let (model, standIns) = try study.rewritten(earlier)
    let point = stream.points[choice.span.from]
    let source = model.graph[standIns[point] ?? point].name
    let target = study.name(choice.span.to, of: stream)
    let rewritten = try study.executor(model, fetches: [source])
    let original = try study.executor(fetches: [target])
    let moments = { (samples: SampleSet) throws(Failure) -> SpanMoments in
      var total = StreamMoments(width: stream.width, pointCount: 2, pairs: [PointPair(0, 1)])
      try study.reporting {
        try original.forEachMicroBatch(
          samples.feeds,
          work: { [total] batch in
            let x = stream.rows(of: try rewritten.evaluate(batch.feeds)[source]!)
            let y = stream.rows(of: batch.fetches[target]!)
            return try x.withUnsafeBufferPointer { x in
              try y.withUnsafeBufferPointer { y in try MomentsChunk([x, y], for: total) }
            }
          }, merge: { total.merge($0) })
      }
      return total.span(from: 0, to: 1)
    }
    let fitted = try moments(study.fit)
    let held = try moments(study.held)
    // The factors are of XᵀX alone.
    let factors = try Fits.prepared(from: fitted)
    return Choice(
      choice.span, try policy.fit(choice.form, fitted, held: held, factors), damage: choice.damage)
  }
}
