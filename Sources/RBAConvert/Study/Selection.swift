import Execution
import GraphIR
import Planning
import Statistics
import Tensors

/// What was chosen, and what it does.
struct Selection: Sendable {
  var choices: [Choice]
  /// On held-out data, with all choices in place.
  var measurement: Measurement
  var frontier: [FrontierEntry]
  var seconds: [String: Double]
}

/// A point of the frontier, with what was measured of it if anything was.
struct FrontierEntry: Sendable {
  var parameters: Int
  var predicted: Double
  var measured: Double?
  var choices: [Choice]
}

/// Scores spans, builds the frontier and chooses.
struct Selector {
  let study: Study
  let policy: FitPolicy
  let rule: GuardRule
  /// Bytes that moments may take.
  let memory: Int

  /// Steps of the longest span that is tried.
  private static let longestSpan = 8
  /// A span is not tried where a part of it alone does more damage than this.
  private static let hopelessDamage = 0.1
  /// Held-out samples that spans are scored on, and the multiply-adds that may cost: as many samples as
  /// it buys within these bounds. What is chosen is measured on all of them.
  private static let scoringSamples = 8...128
  private static let scoringWork = 1_000_000_000_000
  /// The frontier keeps points that differ by at least this share of the parameters.
  private static let resolution = 0.01
  /// How many smaller points are tried behind the first that fails.
  private static let patience = 3

  func choose(_ goal: Goal) throws(Failure) -> Selection {
    var clock = PhaseClock()
    switch goal {
    case .spans(let spans):
      let statistics = try gather(spans, &clock)
      let choices = try best(spans, statistics, &clock)
      return try finish(choices, [], &clock)
    case .threshold(let score, let threshold):
      let blocks = singleBlocks
      let statistics = try gather(blocks, &clock)
      let choices = try best(blocks, statistics, &clock).filter { choice in
        score.accepts(value(of: score, choice, statistics), threshold: threshold)
      }
      return try finish(choices, [], &clock)
    case .guarded, .parameters, .bytes, .pick:
      let spans = affordableSpans
      let statistics = try gather(spans, &clock)
      let options = try sweep(spans, statistics, &clock)
      let frontier = entries(options)
      return try choose(goal, frontier, &clock)
    }
  }

  // MARK: Scoring

  /// Spans as long as the memory for their moments allows.
  private var affordableSpans: [CandidateSpan] {
    var length = Self.longestSpan
    while length > 1, momentsByteCount(length) > memory { length -= 1 }
    if length < Self.longestSpan {
      study.diagnostics.note("spans of more than \(length) steps would not fit the memory allowed")
    }
    return CandidateSpan.all(in: study.streams, maximalLength: length)
  }

  private func momentsByteCount(_ length: Int) -> Int {
    let chunks = study.options.threads ?? 2
    return study.streams.enumerated().reduce(0) { sum, entry in
      let spans = CandidateSpan.all(in: study.streams, maximalLength: length)
      let pairs = spans.count { $0.stream == entry.offset }
      return sum
        + 2
        * StreamMoments.byteCount(
          width: entry.element.width, pointCount: entry.element.points.count, pairs: pairs,
          chunks: chunks)
    }
  }

  /// Whole blocks: pairs of attention and MLP, or single steps.
  private var singleBlocks: [CandidateSpan] {
    study.streams.enumerated().flatMap { index, stream in
      let length = stream.hasPairedSteps ? 2 : 1
      return Swift.stride(from: 0, through: stream.steps.count - length, by: length).map {
        CandidateSpan(stream: index, from: $0, to: $0 + length)
      }
    }
  }

  private func gather(
    _ spans: [CandidateSpan], _ clock: inout PhaseClock
  ) throws(Failure) -> [StreamStatistics] {
    let result = try MomentsPass(study: study, spans: spans).run()
    clock.mark("calibration")
    return result
  }

  private func fits(
    _ spans: [CandidateSpan], _ statistics: [StreamStatistics]
  ) throws(Failure) -> [Choice] {
    var result: [Choice] = []
    for (index, statistics) in statistics.enumerated() {
      result += try statistics.choices(spans.filter { $0.stream == index }, policy)
    }
    return result
  }

  /// Fits and measures spans, short ones first; a span is left out where a part of it is hopeless.
  private func sweep(
    _ spans: [CandidateSpan], _ statistics: [StreamStatistics], _ clock: inout PhaseClock
  ) throws(Failure) -> [Choice] {
    let measurement = try DamageMeasurement(study, sampleLimit: sampleLimit(for: spans.count))
    var options: [Choice] = []
    var hopeless: [CandidateSpan] = []
    for lengths in [1...1, 2...2, 3...3, 4...4, 5...Self.longestSpan] {
      let round = spans.filter { span in
        lengths.contains(span.length)
          && !hopeless.contains {
            $0.stream == span.stream && $0.from >= span.from && $0.to <= span.to
          }
      }
      var choices = try fits(round, statistics)
      clock.mark("fits")
      let damages = try measurement.measure(choices)
      for index in choices.indices { choices[index].damage = damages[index] }
      for (span, group) in Dictionary(grouping: choices, by: \.span)
      where group.allSatisfy({ $0.damage! > Self.hopelessDamage }) { hopeless.append(span) }
      options += choices
      clock.mark("scoring")
    }
    return options
  }

  /// A span costs half a run on average: the tail behind it.
  private func sampleLimit(for spans: Int) -> Int {
    let perSample = Double(study.structure.multiplyAdds) * Double(spans) / 2
    let affordable = Int(min(Double(Self.scoringWork) / max(perSample, 1), 1e6))
    return min(max(affordable, Self.scoringSamples.lowerBound), Self.scoringSamples.upperBound)
  }

  /// For each span the form that is cheapest among those nearly as good as the best.
  private func best(
    _ spans: [CandidateSpan], _ statistics: [StreamStatistics], _ clock: inout PhaseClock
  ) throws(Failure) -> [Choice] {
    var choices = try fits(spans, statistics)
    clock.mark("fits")
    let damages = try DamageMeasurement(study, sampleLimit: sampleLimit(for: choices.count))
      .measure(choices)
    for index in choices.indices { choices[index].damage = damages[index] }
    clock.mark("scoring")
    return spans.compactMap { span in
      let group = choices.filter { $0.span == span }
      let least = group.map { $0.damage! }.min() ?? 0
      return group.first { $0.damage! <= least * 1.1 }
    }
  }

  private func value(
    of score: Score, _ choice: Choice, _ statistics: [StreamStatistics]
  ) -> Double {
    let scores = statistics[choice.span.stream].scores
    switch score {
    case .blockRedundancy:
      return (choice.span.from..<choice.span.to).reduce(0) { $0 + scores[$1].blockRedundancy }
    case .cosine:
      return (choice.span.from..<choice.span.to).map { scores[$0].cosine }.min() ?? 1
    case .angularDistance:
      return (choice.span.from..<choice.span.to).reduce(0) { $0 + scores[$1].angularDistance }
    case .relativeResidual: return 1 - choice.fit.heldR2
    case .outputDamage: return choice.damage ?? 0
    }
  }

  // MARK: The frontier

  private func entries(_ options: [Choice]) -> [FrontierEntry] {
    let candidates = options.map { choice in
      Frontier.Option(
        span: choice.span, form: choice.form, parametersSaved: saving(choice).parametersSaved,
        damage: choice.damage ?? .infinity)
    }
    let total = study.model.graph.parameterCount
    var result: [FrontierEntry] = []
    for point in Frontier(candidates).points {
      let entry = FrontierEntry(
        parameters: total - point.parametersSaved, predicted: point.damage, measured: nil,
        choices: point.options.map { options[$0] })
      let step = Int(Double(total) * Self.resolution)
      // Of points of nearly one size the least damaged stays.
      if let last = result.last, last.parameters - entry.parameters < step { continue }
      result.append(entry)
    }
    return result
  }

  func saving(_ choice: Choice) -> SpanSaving {
    let inference = study.structure.inference
    return SpanSaving(
      choice.span, form: choice.form, in: study.model.graph, study.streams,
      multiplyAdds: { inference.multiplyAdds(of: $0) ?? 0 })
  }

  // MARK: Choosing

  private func choose(
    _ goal: Goal, _ frontier: [FrontierEntry], _ clock: inout PhaseClock
  ) throws(Failure) -> Selection {
    switch goal {
    case .pick(let number):
      guard frontier.indices.contains(number) else {
        throw Failure(
          .usage, "--pick: expected a number from 1 to \(frontier.count - 1), got \(number)")
      }
      return try finish(frontier[number].choices, frontier, &clock)
    case .parameters(let count):
      return try finish(smallest(frontier) { $0.parameters <= count }, frontier, &clock)
    case .bytes(let count):
      let bytes = study.loaded.byteCount
      let parameters = study.model.graph.parameterCount
      return try finish(
        smallest(frontier) { bytes - (parameters - $0.parameters) * 4 <= count }, frontier, &clock)
    default: return try guarded(frontier, &clock)
    }
  }

  /// The least damaged entry that is small enough, or the smallest there is.
  private func smallest(
    _ frontier: [FrontierEntry], where isSmallEnough: (FrontierEntry) -> Bool
  ) -> [Choice] {
    (frontier.first(where: isSmallEnough) ?? frontier[frontier.count - 1]).choices
  }

  /// The smallest entry that passes the guard when measured whole.
  ///
  /// Bisects over the frontier with maps fitted independently; from there on goes to smaller entries
  /// with maps fitted in sequence, until several in a row fail.
  private func guarded(
    _ frontier: [FrontierEntry], _ clock: inout PhaseClock
  ) throws(Failure) -> Selection {
    var frontier = frontier
    var (low, high) = (0, frontier.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      let measurement = try measure(frontier[middle].choices)
      frontier[middle].measured = measurement.damage
      if rule.verdict(on: measurement).passed { low = middle } else { high = middle }
      study.diagnostics.progress("choosing", 1 / Double(high - low + 1))
    }
    clock.mark("choosing")
    var best = (choices: frontier[low].choices, measurement: try measure(frontier[low].choices))
    var (index, failures) = (low, 0)
    while index < frontier.count, failures < Self.patience {
      let choices = try sequential.refit(frontier[index].choices)
      let measurement = try measure(choices)
      frontier[index].measured = measurement.damage
      if rule.verdict(on: measurement).passed {
        best = (choices, measurement)
        failures = 0
      } else {
        failures += 1
      }
      index += 1
    }
    study.diagnostics.progress("choosing", 1)
    clock.mark("fitting in sequence")
    return Selection(
      choices: best.choices, measurement: best.measurement, frontier: frontier,
      seconds: clock.seconds)
  }

  private var sequential: SequentialFitting { SequentialFitting(study: study, policy: policy) }

  /// Fits choices in sequence and keeps the better of both fits.
  private func finish(
    _ choices: [Choice], _ frontier: [FrontierEntry], _ clock: inout PhaseClock
  ) throws(Failure) -> Selection {
    let independent = try measure(choices)
    clock.mark("choosing")
    let refitted = try sequential.refit(choices)
    let measured = try measure(refitted)
    clock.mark("fitting in sequence")
    let isBetter = measured.damage <= independent.damage
    return Selection(
      choices: isBetter ? refitted : choices, measurement: isBetter ? measured : independent,
      frontier: frontier, seconds: clock.seconds)
  }

  /// The original against the model with these choices in place, on held-out data.
  private func measure(_ choices: [Choice]) throws(Failure) -> Measurement {
    let (model, _) = try study.rewritten(choices)
    let executor = try study.executor(model)
    let outputs = try study.reporting { try executor.run(study.held.feeds) }
    return try Measurement(
      study.heldOutputs, outputs, names: study.outputNames, labels: study.held.labels)
  }
}

/// Adds up the time that phases take.
struct PhaseClock {
  private(set) var seconds: [String: Double] = [:]
  private var last = ContinuousClock.now

  mutating func mark(_ phase: String) {
    let now = ContinuousClock.now
    let duration = (now - last).components
    seconds[phase, default: 0] += Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
    last = now
  }
}
