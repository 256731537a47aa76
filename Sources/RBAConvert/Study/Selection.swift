import Execution
import GraphIR
import Planning
import Statistics
import Tensors

/// What was chosen, and what it does.
struct Selection: Sendable {
  var choices: [Choice]
  /// New numbers for weights that stay, and what they do.
  var updates: [WeightUpdate] = []
  var healed: [HealedStep] = []
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
  var policy: FitPolicy
  let rule: GuardRule
  /// Bytes that moments may take.
  let memory: Int
  /// Whether weights that stay are solved anew where that pays.
  let heals: Bool

  /// The frontier keeps points that differ by at least this share of the parameters.
  private static let resolution = 0.01
  /// How many smaller points are tried behind the first that fails.
  private static let patience = 3

  func choose(_ goal: Goal) throws(Failure) -> Selection {
    var clock = PhaseClock()
    if let selection = try published(goal, &clock) { return selection }
    let sweep = SpanSweep(study: study, policy: policy, memory: memory)
    switch goal {
    case .spans(let spans):
      if policy.form == .folded {
        try FoldedFitting(study: study, policy: policy, memory: memory).check(spans)
      }
      return try finish(try sweep.best(spans, &clock), [], &clock)
    case .threshold(let score, let threshold, let positions):
      let choices = try sweep.best(
        CandidateSpan.ofBlocks(1...1, in: study.streams), &clock)
      let values = try study.values(of: score, for: choices, over: positions, memory: memory)
      let accepted = zip(choices, values).filter { score.accepts($1, threshold: threshold) }
      return try finish(accepted.map(\.0), [], &clock)
    case .nothing, .recipe, .guarded, .parameters, .bytes, .pick:
      return try choose(goal, entries(try sweep.sweep(&clock)), &clock)
    }
  }

  // MARK: The frontier

  private func entries(_ options: [Choice]) -> [FrontierEntry] {
    let candidates = options.map { choice in
      Frontier.Option(
        span: choice.span, form: choice.form, parametersSaved: saving(choice).parametersSaved,
        damage: choice.damage ?? .infinity)
    }
    let total = study.loaded.model.graph.parameterCount
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
      choice.span, adding: choice.weights.count, in: study.model.graph, study.streams,
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
      let parameters = study.loaded.model.graph.parameterCount
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
    var best = Refit(
      choices: frontier[low].choices, measurement: try measure(frontier[low].choices))
    var (index, failures) = (low, 0)
    while index < frontier.count, failures < Self.patience {
      let refit = try refit(frontier[index].choices)
      frontier[index].measured = refit.measurement.damage
      if rule.verdict(on: refit.measurement).passed {
        best = refit
        failures = 0
      } else {
        failures += 1
      }
      index += 1
    }
    study.diagnostics.progress("choosing", 1)
    clock.mark("fitting in sequence")
    return best.selection(frontier, clock)
  }

  /// Choices fitted in sequence, with what they do.
  private struct Refit {
    var choices: [Choice]
    var updates: [WeightUpdate] = []
    var healed: [HealedStep] = []
    var measurement: Measurement

    func selection(_ frontier: [FrontierEntry], _ clock: PhaseClock) -> Selection {
      Selection(
        choices: choices, updates: updates, healed: healed, measurement: measurement,
        frontier: frontier, seconds: clock.seconds)
    }
  }

  /// Fits choices in sequence, and keeps weights healed where that does less damage.
  private func refit(_ choices: [Choice]) throws(Failure) -> Refit {
    let sequential = SequentialFitting(study: study, policy: policy, memory: memory)
    let plain = try sequential.refit(choices).choices
    let unhealed = Refit(choices: plain, measurement: try measure(plain))
    guard heals else { return unhealed }
    let (choices, updates, healed) = try sequential.refit(choices, healing: true)
    let measurement = try measure(choices, updates)
    guard measurement.damage < unhealed.measurement.damage else { return unhealed }
    return Refit(choices: choices, updates: updates, healed: healed, measurement: measurement)
  }

  /// Fits choices in sequence and keeps the better of both fits.
  private func finish(
    _ choices: [Choice], _ frontier: [FrontierEntry], _ clock: inout PhaseClock
  ) throws(Failure) -> Selection {
    let independent = try measure(choices)
    clock.mark("choosing")
    let refitted = try refit(choices)
    clock.mark("fitting in sequence")
    let isBetter = refitted.measurement.damage <= independent.damage
    return (isBetter ? refitted : Refit(choices: choices, measurement: independent))
      .selection(frontier, clock)
  }

  /// The original against the model with these choices in place, on held-out data.
  private func measure(
    _ choices: [Choice], _ updates: [WeightUpdate] = []
  ) throws(Failure) -> Measurement {
    try study.compare(with: try study.rewritten(choices, updates: updates))
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
