import Execution
import GraphIR
import Operators
import Planning
import Statistics

/// All that is known when the choice is made.
struct AnalysisResult {
  let study: Study
  let selector: Selector
  let goal: Goal
  let selection: Selection
  let samples: SampleSet

  /// What the choice is held to, and how it was come by.
  private var rule: GuardRule {
    var rule = selector.rule
    rule.trials = selection.trials
    return rule
  }

  /// The model that the choice gives.
  func rewritten() throws(Failure) -> RewrittenModel {
    try study.rewritten(selection.choices, updates: selection.updates)
  }

  /// - Parameter signature: what the data were like that the weights were fitted on.
  /// - Throws: `Failure` where the model's types cannot hold a weight.
  func plan(signature: CalibrationSignature?) throws(Failure) -> ReplacementPlan {
    let plan = ReplacementPlan(
      model: study.loaded.digest(),
      spans: choices.map { choice in
        ReplacementPlan.Span(
          from: study.name(choice.span.start), to: study.name(choice.span.end),
          label: choice.span.label(in: study.streams), form: choice.form,
          ridge: choice.fit.ridge,
          mask: choice.replacement(in: study.streams).mask.map { study.model.graph[$0].name },
          weights: choice.weights)
      }, updates: choices.flatMap(\.updates) + selection.updates, calibration: signature)
    do throws(PlanError) {
      _ = try plan.resolve(in: study.model.graph, study.streams, digest: plan.model)
    } catch { throw Failure(.malformedInput, "\(study.loaded.path): \(error)") }
    return plan
  }

  /// What the data were like at the first point of each span replaced; `nil` where none is.
  func signature() throws(Failure) -> CalibrationSignature? {
    try study.signature(of: choices.map(\.span))
  }

  /// By position.
  private var choices: [Choice] {
    selection.choices.sorted { ($0.span.stream, $0.span.from) < ($1.span.stream, $1.span.from) }
  }

  func report(verb: String) throws(Failure) -> ConversionReport {
    let graph = study.model.graph
    let inference = study.structure.inference
    let removal = Removal(
      replacing: choices.map(\.span), of: study.streams, in: graph,
      multiplyAdds: { inference.multiplyAdds(of: $0) ?? 0 })
    let added = choices.reduce(0) { $0 + $1.fit.map.parameterCount }
    let addedWork = choices.reduce(0) { sum, choice in
      let stream = study.streams[choice.span.stream]
      return sum
        + choice.form.multiplyAdds(
          width: stream.width, rank: choice.weights.rank(width: stream.width),
          positions: stream.type.count / stream.width)
    }
    let work = study.structure.multiplyAdds
    let parameters = study.loaded.model.graph.parameterCount
    let left = parameters - removal.parameters + added
    let bytes = try selector.byteCount(choices, selection.updates)
    var report = ConversionReport(
      schema: "rba-convert/\(verb)/1",
      parameters: BeforeAfter(before: parameters, after: left),
      bytes: BeforeAfter(before: study.loaded.byteCount, after: bytes),
      multiplyAdds: BeforeAfter(before: work, after: work - removal.multiplyAdds + addedWork),
      calibration: ConversionReport.Calibration(
        source: samples.source, samples: samples.count, held: study.held.count,
        synthetic: samples.isSynthetic),
      spans: choices.map(describe),
      healed: selection.healed.map { step in
        ConversionReport.Healed(
          node: step.node, weight: step.weight, ridge: step.ridge, errorBefore: step.errorBefore,
          errorAfter: step.errorAfter)
      },
      frontier: selection.frontier.map { entry in
        ConversionReport.FrontierPoint(
          parameters: entry.parameters, predictedDamage: entry.predicted,
          measuredDamage: entry.measured,
          spans: entry.spans.members.map { $0.span.label(in: study.streams) })
      },
      guard: goal.shortfall(parameters: left, bytes: bytes)
        ?? rule.verdict(on: selection.measurement),
      outputs: selection.measurement.reports,
      unsupported: study.structure.unevaluated.counts, accuracy: selection.measurement.accuracy,
      seconds: selection.seconds, peakBytes: peakResidentBytes(), output: nil)
    if !report.guard.passed {
      report.refusal = report.guard.refusal
    } else if choices.isEmpty, let reason = goal.reasonForNothing {
      report.guard.passed = false
      report.refusal = reason
    }
    return report
  }

  private func describe(_ choice: Choice) -> ConversionReport.Span {
    ConversionReport.Span(
      from: study.name(choice.span.start), to: study.name(choice.span.end),
      label: choice.span.label(in: study.streams),
      blocks: Array(choice.span.from..<choice.span.to), form: choice.form.rawValue,
      parametersRemoved: selector.saving(choice).removal.parameters,
      parametersAdded: choice.fit.map.parameterCount, ridge: choice.fit.ridge,
      r2: choice.fit.heldR2.isNaN ? nil : choice.fit.heldR2, outputError: choice.damage)
  }

  /// Says so where other samples need not pass.
  func noteUncertainty(_ diagnostics: Diagnostics) {
    guard let verdict = rule.uncertainty(of: selection.measurement) else { return }
    let rounded = { (value: Double) in (value * 10_000).rounded(.up) / 10_000 }
    diagnostics.note(
      "other samples may go beyond the limit: as many as were held out stay within "
        + "\(verdict.metric) \(rounded(verdict.bound)) in 19 of 20 cases, the limit is "
        + "\(rounded(verdict.limit)); more calibration samples narrow that")
  }

  /// Says so where an output gives the same for all samples.
  func noteConstants(_ diagnostics: Diagnostics) {
    for (name, comparison) in selection.measurement.outputs
    where comparison.totalScatter == 0 && comparison.hasFiniteValues {
      let samples = comparison.sampleCount > 1 ? "all samples" : "the only sample"
      diagnostics.note(
        "output '\(name)' is the same for \(samples) held out: it tells nothing of what is lost")
    }
  }

  /// Says so where spans that were to be folded are passed over alone.
  func noteUnfolded(_ diagnostics: Diagnostics) {
    var form = selector.policy.form
    if case .recipe(let recipe, _, _) = goal { form = recipe.form }
    guard form == .folded else { return }
    for choice in choices where choice.form == .identity {
      diagnostics.note(
        "span \(choice.span.label(in: study.streams)) is passed over with nothing folded: no other "
          + "weight before it does better on held-out samples")
    }
  }

  /// Says so where labels tell nothing of what the model loses.
  func noteLabels(_ diagnostics: Diagnostics) {
    for (name, comparison) in selection.measurement.outputs {
      guard let accuracy = comparison.accuracy, !comparison.labelsTell else { continue }
      diagnostics.note(
        "the labels do not decide: '\(name)' is right for a share of \(accuracy.a) of the samples held "
          + "out, one class for all of them would be for \(comparison.majorityShare ?? 0)")
    }
  }
}
