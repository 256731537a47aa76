import Planning
import Statistics
import Tensors

/// Refits the maps of several spans one after another, each on what the model computes once those
/// before it are in place, toward what the original computes; between them the last weights of kept
/// steps are solved anew, so that the stream returns to the original's.
struct SequentialFitting {
  let study: Study
  let policy: FitPolicy
  /// Bytes that the moments of one site may take.
  let memory: Int
  /// Samples to use at most.
  var limit: (fit: Int, held: Int)?
  /// Where passes over other spans may be taken up, if those are all unfitted and weights are always or
  /// never healed.
  var checkpoints: PassCheckpoints?

  /// The same spans in the same forms, by position, new numbers for weights behind the first of them
  /// where `healing` says so, and what those numbers do. Where `Study.fitsInSequence` says that this
  /// cannot be or does not pay, the maps stay as they are.
  ///
  /// Where spans are passed over and the form is left open, the step before one is solved toward its
  /// end.
  func refit(
    _ choices: [Choice], healing: Bool = false
  ) throws(Failure) -> (choices: [Choice], updates: [WeightUpdate], healed: [HealedStep]) {
    let ordered = choices.sorted { ($0.span.stream, $0.span.from) < ($1.span.stream, $1.span.from) }
    let isWorthwhile =
      ordered.count > 1 || healing && !ordered.isEmpty || ordered.contains(where: \.isUnfitted)
    guard isWorthwhile, study.fitsInSequence else { return (ordered, [], []) }
    let members = ordered.map { SpanSet.Member($0.span, $0.form) }
    let begun = checkpoints?.furthest(over: members, steps: study.streams.map(\.steps.count))
    var pass: SequentialPass
    var start = (stream: 0, step: 0)
    if let begun {
      pass = begun.pass
      start = (begun.stream, begun.step)
    } else {
      pass = try SequentialPass(
        study, policy, memory: memory, limit: limit, known: checkpoints?.originals)
    }
    let last = ordered.last.map { ($0.span.stream, $0.span.to) } ?? (0, 0)
    let total = study.streams.reduce(0) { $0 + $1.steps.count }
    var passed = study.streams[..<start.stream].reduce(0) { $0 + $1.steps.count }
    for index in start.stream..<study.streams.count {
      let stream = study.streams[index]
      let spans = ordered.filter { $0.span.stream == index }
      var step = index == start.stream ? start.step : 0
      while step < stream.steps.count, healing || (index, step) < last {
        study.diagnostics.progress("fitting in sequence", Double(passed + step) / Double(total))
        checkpoints?.save(pass, at: step, of: index, over: members, stepCount: total)
        if let choice = spans.first(where: { $0.span.from == step }) {
          try pass.replace(choice)
          step = choice.span.to
          continue
        }
        var isFolded = false
        if let next = spans.first(where: { $0.span.from == step + 1 }),
          next.form == .folded || healing && next.form == .identity && policy.form == nil
        {
          isFolded = try pass.fold(next)
        }
        if healing, !isFolded { try pass.heal(step, of: index) }
        step += 1
      }
      passed += stream.steps.count
    }
    study.diagnostics.progress("fitting in sequence", 1)
    return (pass.done, pass.updates, pass.healed)
  }

  /// Why weights are not healed: because values cannot travel, or because of what steps are made of.
  func noteWhatStays() {
    guard study.batching != .pieces(of: study.batching.group) else {
      study.diagnostics.note(
        "weights are not healed: values of several runs of this model cannot be joined")
      return
    }
    var count = 0
    var first: String?
    for (index, stream) in study.streams.enumerated() {
      for step in stream.steps.indices {
        do throws(NoHealingSite) { _ = try study.healingSites.site(of: step, in: stream) } catch {
          count += 1
          let span = CandidateSpan(stream: index, from: step, to: step + 1)
          first = first ?? "step \(span.label(in: study.streams)), since \(error)"
        }
      }
    }
    guard let first else { return }
    let others = count > 1 ? ", and \(count - 1) more" : ""
    study.diagnostics.note("not healed is the last weight of \(first)\(others)")
  }
}

extension Study {
  /// Whether what travels through the model is worth a fit: not where values of several runs cannot be
  /// joined, nor where saved moments are of more samples than there are here.
  var fitsInSequence: Bool { batching != .pieces(of: batching.group) && !savesMoreSamples }
}
