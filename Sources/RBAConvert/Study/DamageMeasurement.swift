import Execution
import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// Measures what each choice, alone, does to the model's outputs on held-out data.
///
/// The whole model runs once; from its values at a span's first point the replacement's own nodes give
/// those at the last, and only the part of the model behind that point runs again.
struct DamageMeasurement {
  let study: Study
  /// The held-out samples that are used.
  private let samples: SampleSelection

  init(_ study: Study, samples: SampleSelection) {
    self.study = study
    self.samples = samples
  }

  /// The damage of each choice: the mean over outputs of their relative errors.
  func measure(_ choices: [Choice]) throws(Failure) -> [Double] {
    guard !choices.isEmpty else { return [] }
    let inputs = Array(samples.samples.feeds.keys.sorted())
    var tails: [StreamPoint: Executor] = [:]
    for choice in choices {
      let end = choice.span.end
      guard tails[end] == nil else { continue }
      tails[end] = try study.executor(
        feeds: [study.name(end)] + inputs, fetches: study.outputNames)
    }
    let executors = tails
    // What is folded has no nodes of its own.
    let fragments = try choices.map { choice throws(Failure) in
      choice.folding == nil ? try study.fragment(of: choice) : nil
    }
    let points = Set(choices.map(\.span.start))
    let inner = choices.compactMap(\.folding).map { study.model.graph[$0.site.input].name }
    let fetches = Set(
      points.map(study.name) + study.outputNames + executors.keys.map(study.name) + inner)
    let executor = try study.executor(fetches: fetches.sorted())
    var errors = Array(
      repeating: [Double](repeating: 0, count: study.outputNames.count), count: choices.count)
    // The original with itself: how much its outputs vary.
    var original = Measurement()
    var done = 0
    try study.reporting {
      try study.forEachBatch(
        of: samples, executor,
        work: { batch, range in
          let sums = try zip(choices, fragments).map { choice, fragment in
            try squaredErrors(choice, fragment, batch, executors)
          }
          let outputs = batch.fetches.filter { study.outputNames.contains($0.key) }
          return (range.count, sums, outputs)
        },
        merge: { count, sums, outputs in
          for (index, sum) in sums.enumerated() {
            for output in sum.indices { errors[index][output] += sum[output] }
          }
          try original.add(outputs, outputs, names: study.outputNames, labels: nil)
          done += count
          study.diagnostics.progress("measuring spans", Double(done) / Double(samples.count))
        })
    }
    let scatter = original.outputs.map(\.comparison.totalScatter)
    return errors.map { errors in
      let relative = zip(errors, scatter).map { error, scatter in
        error == 0 ? 0 : scatter > 0 ? error / scatter : .infinity
      }
      return relative.reduce(0, +) / Double(max(relative.count, 1))
    }
  }

  private func squaredErrors(
    _ choice: Choice, _ fragment: Executor?, _ batch: MicroBatch, _ tails: [StreamPoint: Executor]
  ) throws -> [Double] {
    let end = choice.span.end
    let source = batch.fetches[study.name(choice.span.start)]!
    let mapped: Tensor
    if let folding = choice.folding {
      let stream = study.streams[choice.span.stream]
      mapped = stream.tensor(
        fromRows: folding.rows(
          stream, input: batch.fetches[study.model.graph[folding.site.input].name]!, from: source,
          at: Array(0..<source.count / stream.width)),
        like: batch.fetches[study.name(end)]!)
    } else {
      let fragment = fragment!
      var own = [ReplacementFragment.source: source]
      if fragment.feeds.contains(ReplacementFragment.mask) {
        own[ReplacementFragment.mask] = study.mask(
          of: choice.span.stream, in: batch.feeds, rows: source.shape[0])
      }
      mapped = try fragment.evaluate(own)[ReplacementFragment.result]!
    }
    var feeds = batch.feeds
    // A group of fixed size was filled up with copies of its last sample.
    let size = batch.feeds.values.first?.shape.first ?? batch.samples.count
    feeds[study.name(end)] =
      size > batch.samples.count && mapped.shape.first == batch.samples.count
      ? mapped.gathering((0..<size).map { min($0, mapped.shape[0] - 1) }) : mapped
    let outputs = try tails[end]!.evaluate(feeds)
    return try study.outputNames.map { name in
      let (original, other) = (batch.fetches[name]!, outputs[name]!)
      guard original.shape.dropFirst() == other.shape.dropFirst(), original.count <= other.count
      else { throw Failure(output: name, ArrayType(original), became: ArrayType(other)) }
      let (a, b) = (original.floats ?? [], other.floats ?? [])
      var sum = 0.0
      for index in a.indices {
        let error = OutputComparison.absoluteError(Double(a[index]), Double(b[index]))
        sum += error * error
      }
      return sum
    }
  }
}
