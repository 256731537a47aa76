import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// Fits and measures spans, as many as the memory for their moments allows.
struct SpanSweep {
  let study: Study
  let policy: FitPolicy
  /// Bytes that moments may take, and maps besides.
  let memory: Int
  /// Whether damages are only to order a search that measures anew: the cheapest and the best form of
  /// a span are enough then, on few samples.
  var isCoarse = false

  /// Lengths, in steps, that are tried together; a span is tried after its parts.
  static let rounds = [1...1, 2...2, 3...3, 4...4, 5...8]
  /// A span is not tried where a part of it alone does more damage than this.
  private static let hopelessDamage = 0.1
  /// Runs over the data that a round may take where memory is short; the spans nearest to a shift
  /// come first.
  private static let longestRound = 6
  /// Held-out samples that spans are scored on, and the multiply-adds that may cost: as many samples as
  /// it buys within these bounds. What is chosen is measured on all of them.
  private static let scoringSamples = 8...128
  private static let coarseSamples = 8...32
  private static let scoringWork = 1_000_000_000_000

  /// What saves more is taken where it does at most this many times the least damage.
  static let adequacy = 1.1

  /// The longest span, in steps, that is tried.
  static var maximalLength: Int { rounds.last!.upperBound }

  /// The choices for all spans, short ones first; a span is left out where a part of it is hopeless.
  ///
  /// - Parameter maximalLength: in steps.
  func sweep(
    maximalLength: Int = Self.maximalLength, _ clock: inout PhaseClock
  ) throws(Failure) -> [Choice] {
    let spans = CandidateSpan.all(in: study.streams, maximalLength: maximalLength)
    let measurement = DamageMeasurement(study, samples: scoringSamples(for: spans.count))
    var state = State()
    for lengths in Self.rounds {
      var round = state.promising(spans) { lengths.contains($0.length) }
      let later = state.promising(spans) { $0.length > lengths.upperBound }
      for _ in 0..<Self.longestRound where !round.isEmpty {
        if !round.contains(where: state.isGathered) {
          round = try gather(round, later, &state, spans)
          clock.mark("calibration")
        }
        let ready = round.filter(state.isGathered)
        round.removeAll(where: state.isGathered)
        let options = try measured(ready, state.statistics, measurement, &clock)
        state.rule(options, hopelessDamage: Self.hopelessDamage)
        state.options += options
        state.dropped += state.options.keepLeastDamaged(bytes: memory / 2)
      }
      state.left += round.count
    }
    note(state, of: spans.count)
    return state.options
  }

  /// For each span the form that is cheapest among those nearly as good as the best.
  func best(_ spans: [CandidateSpan], _ clock: inout PhaseClock) throws(Failure) -> [Choice] {
    let measurement = DamageMeasurement(study, samples: scoringSamples(for: spans.count))
    var result: [Choice] = []
    var rest = spans[...]
    while !rest.isEmpty {
      let group = Array(study.fitting(rest, memory: memory, kinds: kinds))
      rest.removeFirst(group.count)
      let statistics = try study.moments(of: group, kinds: kinds)
      clock.mark("calibration")
      let choices = try measured(group, statistics, measurement, &clock)
      result += group.compactMap { span in
        let group = choices.filter { $0.span == span }
        let least = group.map { $0.damage! }.min() ?? 0
        return group.first { $0.damage! <= least * Self.adequacy }
      }
    }
    return result
  }

  /// What is known on the way.
  private struct State {
    var statistics = GroupStatistics()
    var gathered: Set<CandidateSpan> = []
    /// How near to a shift each span is; empty before memory is short.
    var distances: [CandidateSpan: Double] = [:]
    var options: [Choice] = []
    var hopeless: [CandidateSpan] = []
    var left = 0
    var dropped = 0

    func isGathered(_ span: CandidateSpan) -> Bool { gathered.contains(span) }

    /// Those of no hopeless part.
    func promising(
      _ spans: [CandidateSpan], where isMeant: (CandidateSpan) -> Bool
    ) -> [CandidateSpan] {
      spans.filter { span in
        isMeant(span)
          && !hopeless.contains {
            $0.stream == span.stream && $0.from >= span.from && $0.to <= span.to
          }
      }
    }

    /// - Parameter options: all that were measured of their spans.
    mutating func rule(_ options: [Choice], hopelessDamage: Double) {
      for (span, group) in Dictionary(grouping: options, by: \.span)
      where group.allSatisfy({ $0.damage! > hopelessDamage }) { hopeless.append(span) }
    }
  }

  /// Takes the moments of as much of a round as fits, and of the next lengths' spans where all of them
  /// do.
  ///
  /// - Returns: the round in the order in which it is to go on.
  private func gather(
    _ round: [CandidateSpan], _ later: [CandidateSpan], _ state: inout State,
    _ all: [CandidateSpan]
  ) throws(Failure) -> [CandidateSpan] {
    // What was gathered goes before more comes.
    state.statistics = GroupStatistics()
    state.gathered = []
    releaseFreedMemory()
    var ordered = round
    var group = Array(study.fitting(round[...], memory: memory, kinds: kinds))
    if group.count < round.count {
      if state.distances.isEmpty { state.distances = try study.distances(of: all) }
      ordered.sort {
        (state.distances[$0]!, $0.stream, $0.from) < (state.distances[$1]!, $1.stream, $1.from)
      }
      group = Array(study.fitting(ordered[...], memory: memory, kinds: kinds))
    } else {
      for length in Self.rounds where length.lowerBound > (round.map(\.length).max() ?? 0) {
        let next = group + later.filter { length.contains($0.length) }
        guard study.momentsByteCount(next, kinds: kinds) <= memory else { break }
        group = next
      }
    }
    state.statistics = try study.moments(of: group, kinds: kinds, isRanking: study.fitsInSequence)
    state.gathered = Set(group)
    return ordered
  }

  /// The moments to take beside those of tokens, by stream.
  private var kinds: [MomentKinds] { study.streams.map { policy.kinds($0, study) } }

  private func measured(
    _ spans: [CandidateSpan], _ statistics: GroupStatistics,
    _ measurement: DamageMeasurement, _ clock: inout PhaseClock
  ) throws(Failure) -> [Choice] {
    var choices: [Choice] = []
    if policy.form == .folded {
      choices = try folded(spans)
    } else {
      let (graph, streams) = (study.model.graph, study.streams)
      var fits = policy
      if isCoarse { fits.mostForms = 2 }
      choices = try statistics.choices(spans, fits, threads: study.threads) { span in
        SpanSaving(span, adding: 0, in: graph, streams, multiplyAdds: { _ in 0 }).parametersSaved
      }
    }
    clock.mark("fits")
    let damages = try measurement.measure(choices)
    for index in choices.indices { choices[index].damage = damages[index] }
    clock.mark("scoring")
    return choices
  }

  /// Those of the spans that can be folded.
  private func folded(_ spans: [CandidateSpan]) throws(Failure) -> [Choice] {
    let (choices, reasons) = try FoldedFitting(study: study, policy: policy, memory: memory)
      .choices(spans)
    for span in spans {
      guard let reason = reasons[span] else { continue }
      study.diagnostics.note(
        "span \(span.label(in: study.streams)) cannot be folded: \(reason)")
    }
    return choices
  }

  /// A span costs half a run on average: the tail behind it.
  private func scoringSamples(for spans: Int) -> SampleSelection {
    let perSample =
      Double(study.structure.multiplyAdds) / Double(study.batching.group) * Double(spans) / 2
    let affordable = Int(min(Double(Self.scoringWork) / max(perSample, 1), 1e6))
    let bounds = isCoarse ? Self.coarseSamples : Self.scoringSamples
    return study.held.spread(
      min(max(affordable, bounds.lowerBound), bounds.upperBound), group: study.batching.group)
  }

  private func note(_ state: State, of count: Int) {
    if state.left > 0 {
      study.diagnostics.note(
        "\(state.left) of \(count) spans were not tried, those furthest from a shift: "
          + "their moments would not fit \(memory.bytesText)")
    }
    if state.dropped > 0 {
      study.diagnostics.note(
        "\(state.dropped) maps that do most damage were let go: all would not fit "
          + "\((memory / 2).bytesText)")
    }
  }
}

extension [Choice] {
  /// Keeps the choices that do least damage, as many as their maps' numbers take at most `bytes`; what takes
  /// none always stays.
  ///
  /// - Returns: how many were removed.
  fileprivate mutating func keepLeastDamaged(bytes: Int) -> Int {
    var total = 0
    let kept = indices.sorted {
      (self[$0].damage ?? .infinity, $0) < (self[$1].damage ?? .infinity, $1)
    }
    .filter { index in
      let own = self[index].numberCount * MemoryLayout<Float>.stride
      guard total + own <= bytes else { return false }
      total += own
      return true
    }
    let removed = count - kept.count
    if removed > 0 { self = kept.sorted().map { self[$0] } }
    return removed
  }
}
