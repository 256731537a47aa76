import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// How long to look for a better set of spans.
struct SearchEffort: Sendable {
  /// Sets to measure at most; as many as a fixed amount of work buys where `nil`.
  var sets: Int?
  /// Seconds after which no further set is measured. What is found then depends on the machine.
  var seconds: Double?

  /// Whether the time is up since `start`.
  func isOver(since start: ContinuousClock.Instant) -> Bool {
    guard let seconds else { return false }
    return (ContinuousClock.now - start) / .seconds(1) > seconds
  }

  /// Multiply-adds that measuring sets may take, and the sets that are measured whatever they take.
  private static let work = 1e12
  private static let bounds = 12.0...64.0

  func budget(workPerSet: Double) -> Int {
    sets
      ?? Int(
        min(max(Self.work / max(workPerSet, 1), Self.bounds.lowerBound), Self.bounds.upperBound))
  }
}

extension Selector {
  /// Points that are predicted differ by at least this share of the parameters.
  private static let resolution = 0.01
  /// Sets in a row that may fail before the search turns back.
  private static let patience = 3
  /// Samples that sets are fitted on while searching: no fewer, and as many as give this many rows for
  /// each column of the widest matrix that is solved.
  private static let fewestSamples = 64
  private static let rowsPerColumn = 8
  /// Bytes that values of passes may take which other sets go on from, and as many the original's.
  private static let checkpointBytes = 512 << 20

  /// What a search came by.
  private struct Found {
    let measured: [SpanSetSearch.Measured]
    let descents: [SpanSetSearch.Descent]
    let frontier: [FrontierEntry]
    /// How many sets were measured.
    let count: Int
    /// Fits of spans by themselves, where no values travel.
    let alone: FitsAlone
  }

  /// Looks for the set of spans that meets the goal, by measuring whole sets, fits it on all samples to be
  /// fitted on, and measures it on all that are held out.
  func search(_ goal: Goal, _ clock: inout PhaseClock) throws(Failure) -> Selection {
    if case .size(let limit) = target(goal), try exactSize([], [], goal) <= limit {
      return try refit([]).selection([], clock)
    }
    let apart = try searchingApart(goal)
    let found = try (apart ?? self).find(goal, &clock)
    // Samples that were searched by have met all sets that were found.
    var trials = apart == nil ? found.count : 0
    var alone = apart == nil ? found.alone : FitsAlone(selector: self, options: [])
    let result = try decide(goal, found.measured, found.descents, found.frontier) {
      set throws(Failure) in
      trials += 1
      return try refit(try study.fitsInSequence ? Self.unfitted(set) : alone.choices(set))
    }
    clock.mark("fitting in sequence")
    return result.selection(found.frontier, clock, trials: trials)
  }

  /// The same over the samples alone that are fitted on, for a limit to be held to by samples that are new
  /// to what was found. `nil` where no limit is to be held: which set of a size does least damage, all that
  /// is held out tells best; and where samples are too few or the fits are saved ones.
  private func searchingApart(_ goal: Goal) throws(Failure) -> Selector? {
    if case .size = target(goal), rule.limit == .infinity { return nil }
    guard !study.savesMoreSamples,
      let fitted = try study.ofFittedSamples(fittingOn: sampleLimit.fit)
    else {
      study.diagnostics.note(
        "sets of spans are searched for by the samples held out, which are no fresh judges then")
      return nil
    }
    var other = self
    other.study = fitted
    // What may pass on more samples is not given up for one of these.
    other.acceptance.leastShare = 1 / Double(fitted.held.kindCount())
    return other
  }

  private func find(_ goal: Goal, _ clock: inout PhaseClock) throws(Failure) -> Found {
    // Where no values travel, spans are as they were fitted one by one.
    let travels = study.fitsInSequence
    var sweep = SpanSweep(study: study, policy: policy, memory: memory)
    sweep.isCoarse = heals && travels
    let options = try sweep.sweep(
      maximalLength: sweep.isCoarse ? 1 : SpanSweep.maximalLength, &clock)
    // Of the ranks that were fitted, sets take one.
    let predictions = predictions(options.filter(isSearched))
    let limit = sampleLimit
    let sequential = SequentialFitting(
      study: study, policy: policy, memory: memory, limit: limit,
      checkpoints: PassCheckpoints(capacity: min(memory / 4, Self.checkpointBytes)))
    let budget = effort.budget(workPerSet: workPerSet(limit))
    let descents = descents(options, from: predictions)
    let search = SpanSetSearch(
      estimates: estimates(options), descents: descents,
      forms: policy.searchedForms(
        allowingContext: study.streams.allSatisfy(study.allowsContext)),
      target: target(goal), budget: budget)
    let sizes = try SetSizes(self, goal)
    let start = ContinuousClock.now
    var alone = FitsAlone(selector: self, options: options)
    var count = 0
    let measured = try search.run(size: sizes.size) {
      set throws(Failure) -> SpanSetSearch.Measured? in
      if effort.isOver(since: start) {
        study.diagnostics.note(
          "the search ended after \(count) sets, when its time was up: another machine may choose "
            + "otherwise")
        return nil
      }
      let choices = try travels ? Self.unfitted(set) : alone.choices(set)
      let (fitted, updates, _) = try sequential.refit(choices, healing: heals)
      let measurement = try measure(fitted, updates)
      count += 1
      study.diagnostics.progress("searching", Double(count) / Double(budget))
      return SpanSetSearch.Measured(
        set, size: sizes.size(set), damage: measurement.damage,
        strain: acceptance.verdict(on: measurement).strain)
    }
    study.diagnostics.progress("searching", 1)
    clock.mark("searching")
    return Found(
      measured: measured, descents: descents,
      frontier: frontier(measured, predictions, options), count: count, alone: alone)
  }

  // MARK: Options

  /// What each step adds for each parameter it saves, if it goes alone; those that were not measured
  /// come last.
  private func estimates(_ options: [Choice]) -> [SpanSetSearch.Step: Double] {
    var result: [SpanSetSearch.Step: Double] = [:]
    let whole = parameters(SpanSet())
    for (stream, points) in study.streams.enumerated() {
      for step in points.steps.indices {
        // A step that saves nothing alone may do so beside a span that it prolongs.
        guard
          let saved = [policy.form ?? .identity, .identity].lazy
            .map({ whole - parameters(SpanSet().adding(step, of: stream, as: $0)) })
            .first(where: { $0 > 0 })
        else { continue }
        let damage = leastDamage(of: step, stream, options)
        result[.init(stream: stream, index: step)] =
          damage.map { max($0, 0) / Double(saved) } ?? .greatestFiniteMagnitude
      }
    }
    return result
  }

  private func leastDamage(of step: Int, _ stream: Int, _ options: [Choice]) -> Double? {
    let span = CandidateSpan(stream: stream, from: step, to: step + 1)
    return options.lazy.filter { $0.span == span }.compactMap(\.damage).min()
  }

  /// The sum of what spans do alone; of one that was not measured, what its steps do alone.
  private func predicted(_ set: SpanSet, _ options: [Choice]) -> Double? {
    var sum = 0.0
    for member in set.members {
      let (span, form) = (member.span, member.form)
      let option = options.first { $0.span == span && $0.form == form && isSearched($0) }
      if let damage = option?.damage {
        sum += max(damage, 0)
        continue
      }
      for step in span.from..<span.to {
        guard let damage = leastDamage(of: step, span.stream, options) else { return nil }
        sum += max(damage, 0)
      }
    }
    return sum
  }

  /// Parameters of the model that is left.
  func parameters(_ set: SpanSet) -> Int {
    study.loaded.model.graph.parameterCount - removal(of: set).parameters
      + set.members.reduce(0) {
        $0 + FitPolicy.searchedSize($1.form, width: study.streams[$1.span.stream].width)
      }
  }

  /// What goes with the spans of a set; no work is counted.
  func removal(of set: SpanSet) -> Removal {
    Removal(
      replacing: set.members.map(\.span), of: study.streams, in: study.model.graph,
      multiplyAdds: { _ in 0 })
  }

  /// The sets that the damages of single spans make the best of their sizes, by falling size.
  private func predictions(_ options: [Choice]) -> [FrontierEntry] {
    let candidates = options.map { choice in
      Frontier.Option(
        span: choice.span, form: choice.form, parametersSaved: saving(choice).parametersSaved,
        damage: choice.damage ?? .infinity)
    }
    return thinned(
      Frontier(candidates).points.map { point in
        let spans = SpanSet(point.options.map { .init(options[$0].span, options[$0].form) })
        return FrontierEntry(
          parameters: parameters(spans), predicted: point.damage, measured: nil, spans: spans)
      })
  }

  /// The ways down to smaller models: one where the form is given, else passing over steps and replacing
  /// them by linear maps.
  private func descents(
    _ options: [Choice], from predictions: [FrontierEntry]
  ) -> [SpanSetSearch.Descent] {
    let predicted = predictions.filter { !$0.spans.isEmpty }
      .map { SpanSetSearch.Seed($0.spans, predicted: $0.predicted ?? .infinity) }
    switch policy.form {
    case .identity?: return [passingOver(options)]
    case let form?: return [.init(form, seeds: predicted)]
    case nil:
      return [
        passingOver(options),
        .init(policy.isLeastSquares ? .leastSquares : .linear, seeds: predicted),
      ]
    }
  }

  /// Where weights are healed, a step that is passed over is taken to do as little damage as its best form
  /// does unhealed.
  private func passingOver(_ options: [Choice]) -> SpanSetSearch.Descent {
    let steps = CandidateSpan.all(in: study.streams, maximalLength: 1)
    let candidates = steps.map { span in
      let alone = options.first { $0.span == span && $0.form == .identity }?.damage
      return Frontier.Option(
        span: span, form: .identity,
        parametersSaved: saving(Choice(unfitted: .init(span, .identity))).parametersSaved,
        damage: (heals ? leastDamage(of: span.from, span.stream, options) : alone) ?? .infinity)
    }
    let seeds = Frontier(candidates).points.dropFirst().map { point in
      SpanSetSearch.Seed(
        SpanSet(point.options.map { .init(candidates[$0].span, .identity) }),
        predicted: point.damage)
    }
    return .init(.identity, seeds: seeds)
  }

  /// The whole model, the sets measured that none beats in both size and damage, and those predicted
  /// beyond the smallest.
  private func frontier(
    _ measured: [SpanSetSearch.Measured], _ predictions: [FrontierEntry], _ options: [Choice]
  ) -> [FrontierEntry] {
    var result: [FrontierEntry] = []
    var least = Double.infinity
    for entry in measured.sorted(by: { ($0.size, $0.damage) < ($1.size, $1.damage) })
    where entry.damage < least && !entry.set.isEmpty {
      least = entry.damage
      result.append(
        FrontierEntry(
          parameters: parameters(entry.set), predicted: predicted(entry.set, options),
          measured: entry.damage, spans: entry.set))
    }
    let whole = FrontierEntry(
      parameters: parameters(SpanSet()), predicted: 0, measured: 0, spans: SpanSet())
    let smallest = result.first?.parameters ?? .max
    return ([whole] + result + predictions.filter { !$0.spans.isEmpty && $0.parameters < smallest })
      .sorted { $0.parameters > $1.parameters }
  }

  /// Of points of nearly one size the least damaged stays.
  private func thinned(_ entries: [FrontierEntry]) -> [FrontierEntry] {
    let step = Int(Double(study.loaded.model.graph.parameterCount) * Self.resolution)
    var result: [FrontierEntry] = []
    for entry in entries.sorted(by: { $0.parameters > $1.parameters }) {
      if let last = result.last, last.parameters - entry.parameters < step { continue }
      result.append(entry)
    }
    return result
  }

  // MARK: Measuring

  /// The set's spans, to be fitted.
  private static func unfitted(_ set: SpanSet) -> [Choice] {
    set.members.map { Choice(unfitted: $0) }
  }

  private var sampleLimit: (fit: Int, held: Int) {
    var needed = Self.fewestSamples
    for stream in study.streams {
      let rows = Self.rowsPerColumn * study.healingSites.widestInput(of: stream)
      let perSample = study.rowsPerSample(of: stream, in: study.fit)
      needed = max(needed, Int(min((Double(rows) / perSample).rounded(.up), 1e9)))
    }
    return (min(needed, study.fit.count), min(max(needed / 2, 1), study.held.count))
  }

  private func workPerSet(_ limit: (fit: Int, held: Int)) -> Double {
    // Both models run over what travels, the rewritten one over what is held out; products of the
    // sites' inputs take about as much again.
    let samples = 3 * Double(limit.fit + limit.held) + Double(study.held.count)
    return Double(study.structure.multiplyAdds) / Double(study.batching.group) * samples
  }

  func target(_ goal: Goal) -> SpanSetSearch.Target {
    switch goal {
    case .parameters(let limit), .bytes(let limit): .size(limit)
    default: .unacceptable(inARow: Self.patience)
    }
  }
}
