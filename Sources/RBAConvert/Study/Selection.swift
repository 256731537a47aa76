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
  /// How many models were measured on the held-out data to choose this one.
  var trials = 1
}

/// A point of the frontier, with what was measured of it if anything was.
struct FrontierEntry: Sendable {
  var parameters: Int
  /// The sum of the single spans' damages; `nil` where those were not measured.
  var predicted: Double?
  var measured: Double?
  var spans: SpanSet
}

/// Scores spans, looks for sets of them, and chooses.
struct Selector {
  var study: Study
  var policy: FitPolicy
  let rule: GuardRule
  /// What a set has to pass for the search to go on to smaller ones.
  var acceptance: GuardRule
  /// Bytes that moments may take.
  let memory: Int
  /// Whether weights that stay are solved anew where that pays.
  let heals: Bool
  /// How long to search.
  let effort: SearchEffort
  /// How the model is to be written.
  let written: WrittenForm

  func choose(_ goal: Goal) throws(Failure) -> Selection {
    var clock = PhaseClock()
    if case .spans(let spans) = goal, policy.form == .folded {
      try FoldedFitting(study: study, policy: policy, memory: memory).check(spans)
    }
    if let selection = try published(goal, &clock) { return selection }
    let sweep = SpanSweep(study: study, policy: policy, memory: memory)
    if heals { sequential.noteWhatStays() }
    switch goal {
    case .spans(let spans):
      return try finish(try sweep.best(spans, &clock), &clock)
    case .threshold(let score, let threshold, let positions):
      let choices = try sweep.best(
        CandidateSpan.ofBlocks(1...1, in: study.streams), &clock)
      let values = try study.values(of: score, for: choices, over: positions, memory: memory)
      let accepted = zip(choices, values).filter { score.accepts($1, threshold: threshold) }
      return try finish(accepted.map(\.0), &clock)
    case .nothing, .recipe, .guarded, .parameters, .bytes, .pick:
      return try search(goal, &clock)
    }
  }

  /// Choices fitted in sequence, with what they do.
  struct Refit {
    var choices: [Choice]
    var updates: [WeightUpdate] = []
    var healed: [HealedStep] = []
    var measurement: Measurement

    /// - Parameter trials: how many models were measured to come by this one.
    func selection(
      _ frontier: [FrontierEntry], _ clock: PhaseClock, trials: Int = 1
    ) -> Selection {
      Selection(
        choices: choices, updates: updates, healed: healed, measurement: measurement,
        frontier: frontier, seconds: clock.seconds, trials: trials)
    }
  }

  private var sequential: SequentialFitting {
    SequentialFitting(study: study, policy: policy, memory: memory)
  }

  /// Fits choices in sequence, and heals weights where that is asked for and pays.
  func refit(_ choices: [Choice], healing: Bool? = nil) throws(Failure) -> Refit {
    let (choices, updates, healed) = try sequential.refit(choices, healing: healing ?? heals)
    return Refit(
      choices: choices, updates: updates, healed: healed,
      measurement: try measure(choices, updates))
  }

  /// Fits choices in sequence and keeps the better of both fits. Where forms are open and weights are
  /// healed, passing all spans over may do as well: that saves more, and is taken if it does nearly as
  /// little damage.
  private func finish(
    _ choices: [Choice], _ clock: inout PhaseClock
  ) throws(Failure) -> Selection {
    var best = Refit(choices: choices, measurement: try measure(choices))
    clock.mark("choosing")
    if choices.isEmpty { return best.selection([], clock) }
    var trials = 1
    for healing in heals ? [true, false] : [false] {
      trials += 1
      let fitted = try refit(choices, healing: healing)
      if fitted.measurement.damage < best.measurement.damage {
        best = fitted
        break
      }
    }
    if heals, policy.form == nil, !policy.isLeastSquares {
      trials += 1
      let passed = try refit(choices.map { Choice(unfitted: .init($0.span, .identity)) })
      if passed.measurement.damage <= best.measurement.damage * SpanSweep.adequacy { best = passed }
    }
    clock.mark("fitting in sequence")
    return best.selection([], clock, trials: trials)
  }

  /// The original against the model with these choices in place, on held-out data.
  func measure(
    _ choices: [Choice], _ updates: [WeightUpdate] = []
  ) throws(Failure) -> Measurement {
    try study.compare(with: try study.rewritten(choices, updates: updates))
  }

  func saving(_ choice: Choice) -> SpanSaving {
    let inference = study.structure.inference
    return SpanSaving(
      choice.span, adding: choice.weights.count, in: study.model.graph, study.streams,
      multiplyAdds: { inference.multiplyAdds(of: $0) ?? 0 })
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
