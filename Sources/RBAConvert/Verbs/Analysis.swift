import Execution
import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// Scores, chooses and writes the plan: the verb `analyze`, and the first half of `convert`.
public struct Analysis: Sendable {
  /// The model to read.
  public var input: String
  /// The plan to write, if any.
  public var plan: String?
  /// Whether files that stand there may be replaced.
  public var overwriting: Bool
  /// What to feed.
  public var data: DataRequest
  /// What to replace and how far to go.
  public var selection: SelectionOptions
  /// Whether the published scores of spans are reported.
  public var scores: Bool
  /// What the work may use.
  public var machine: Machine
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?
  /// Where the model is to be written; where absent, like the one that is read.
  var output: ModelOutput?
  /// Whether the model's metadata are to say what was done.
  var recordsProvenance = true

  /// The work to do; nothing is read before `run`.
  public init(
    input: String, plan: String?, overwriting: Bool, data: DataRequest,
    selection: SelectionOptions, scores: Bool = false, machine: Machine,
    externalDataDirectory: String? = nil
  ) {
    self.input = input
    self.plan = plan
    self.scores = scores
    self.overwriting = overwriting
    self.data = data
    self.selection = selection
    self.machine = machine
    self.externalDataDirectory = externalDataDirectory
  }

  /// Does the work and writes the plan, if one was asked for.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> ConversionReport {
    try checkOptions()
    var inputs = InputFiles()
    inputs.add(model: input)
    inputs.add(data)
    if let plan {
      try data.checkStatistics(differFrom: plan)
      try inputs.checkDistinct(plan)
      try checkWritable(plan, overwriting: overwriting)
    }
    let loaded = try LoadedModel(path: input, externalDataDirectory: externalDataDirectory)
    inputs.add(partsOf: loaded)
    if let plan { try inputs.checkDistinct(plan) }
    let result = try analyze(loaded, diagnostics)
    var report = try result.report(verb: "analyze")
    if scores { report.scores = try result.scores(diagnostics, token: selection.scoreToken) }
    if let plan {
      do throws(Failure) {
        let found = try result.plan(signature: try result.signature())
        try found.write(to: plan, overwriting: overwriting)
        report.output = plan
      } catch {
        // What the guard refused need not be a plan.
        guard report.refusal != nil, error.status == .malformedInput else { throw error }
        diagnostics.note(error.message)
      }
    }
    return report
  }

  /// Checks what can be checked before a file is read.
  func checkOptions() throws(Failure) {
    _ = try FitPolicy(form: selection.form, fit: selection.fit)
    try data.checkLabels(flag: "--calibration")
    if let holdout = selection.holdout, !(holdout > 0 && holdout < 1) {
      throw Failure(.usage, "--holdout: expected a share between 0 and 1, got \(holdout)")
    }
    _ = try parseExtents(data.dimensions)
    try Goal.check(selection)
  }

  /// What `run` and `Conversion` build on; the options are checked.
  func analyze(
    _ loaded: LoadedModel, _ diagnostics: Diagnostics
  ) throws(Failure) -> AnalysisResult {
    let policy = try FitPolicy(form: selection.form, fit: selection.fit)
    let saved = try data.savedStatistics(of: loaded)
    var (study, samples) = try study(loaded, diagnostics)
    let goal = try goal(loaded, study.structure)
    let weighing = !policy.isLeastSquares && !goal.isPublished
    if let path = data.statistics {
      try study.useStatistics(
        saved, at: path, source: samples.source, wanted: goal.spans, memory: momentsMemory,
        weighing: weighing)
    } else if weighing {
      try study.findOutliers()
    }
    let acceptance = GuardRule(
      limit: selection.maximumDrop, isSynthetic: samples.isSynthetic,
      classScores: study.structure.classScores,
      repetition: Double(study.held.count) / Double(max(study.held.kindCount(), 1)))
    var rule = acceptance
    if selection.maximumDrop == nil, !goal.isGuarded { rule.limit = .infinity }
    let selector = Selector(
      study: study, policy: policy, rule: rule, acceptance: acceptance,
      memory: momentsMemory, heals: selection.heals,
      effort: SearchEffort(sets: selection.searchedSets, seconds: selection.timeBudget),
      written: try written(loaded))
    let result = AnalysisResult(
      study: study, selector: selector, goal: goal, selection: try selector.choose(goal),
      samples: samples)
    try result.selection.measurement.checkFinite(of: input, samples, diagnostics)
    result.noteLabels(diagnostics)
    result.noteConstants(diagnostics)
    result.noteUnfolded(diagnostics)
    return result
  }

  /// The model with its data, split. No outliers are looked for yet.
  func study(
    _ loaded: LoadedModel, _ diagnostics: Diagnostics
  ) throws(Failure) -> (Study, SampleSet) {
    loaded.noteNewerVersion(diagnostics)
    let extents = try parseExtents(data.dimensions)
    try loaded.checkDimensions(extents)
    let inferred = try ModelStructure(loaded, extents: extents)
    if inferred.isComplete {
      try checkStreams(of: inferred)
      _ = try goal(loaded, inferred)
    }
    var samples = try DataSupply(
      loaded: loaded, diagnostics: diagnostics, defaultExtent: inferred.defaultExtent
    ).samples(data, flag: "--calibration", defaultCount: SyntheticSamples.defaultCount)
    try samples.checkFinite()
    let structure = try ModelStructure(loaded, extents: extents, samples: samples)
    try structure.checkRuns(loaded, samples)
    try checkStreams(of: structure)
    _ = try goal(loaded, structure)
    structure.noteComparison(diagnostics)
    let batching = try Batching(
      structure, samples, try loaded.inputs, options: machine.studyOptions, path: input)
    samples.labels = try structure.matched(samples.labels, batch: batching.group)
    samples.labels?.noteUse(diagnostics)
    var all = samples.all
    var left = all.removeRemainder(batching)
    var (fit, held) = try split(all, structure, batching)
    left += fit.removeRemainder(batching) + held.removeRemainder(batching)
    if left > 0 {
      diagnostics.note(
        "the last \(left) of \(samples.count) samples are left out: the model takes \(batching.group) "
          + "together")
    }
    if batching == .whole {
      diagnostics.note(
        "what a sample gives depends on the others: the first \(fit.count) are fitted on together, "
          + "the last \(held.count) are held out together")
    } else {
      let groups = (all.count + batching.group - 1) / batching.group
      let kinds = all.kindCount(group: batching.group)
      if kinds < groups {
        let what = batching.group == 1 ? "samples" : "groups of \(batching.group) samples"
        diagnostics.note(
          "of \(groups) \(what) \(kinds) differ: equal ones are all fitted on or all held out")
      }
    }
    let study = try Study(
      loaded, structure, fit: fit, held: held, batching: batching, options: machine.studyOptions,
      diagnostics: diagnostics)
    return (study, samples)
  }

  private func written(_ loaded: LoadedModel) throws(Failure) -> WrittenForm {
    let likeRead = try ModelOutput(like: loaded)
    return WrittenForm(output: output ?? likeRead, recordsProvenance: recordsProvenance)
  }

  /// Bytes that moments may take.
  var momentsMemory: Int { machine.maximumBytes.map { $0 / 2 } ?? Self.defaultMomentsMemory }

  private func goal(
    _ loaded: LoadedModel, _ structure: ModelStructure
  ) throws(Failure) -> Goal {
    try Goal(
      selection, parameters: loaded.model.graph.parameterCount, streams: structure.streams)
  }

  /// - Throws: `Failure` where there is nothing to replace.
  private func checkStreams(of structure: ModelStructure) throws(Failure) {
    guard structure.streams.isEmpty else { return }
    let unsupported = structure.unevaluated.operators
    guard unsupported.isEmpty else {
      throw Failure(
        .malformedInput, "\(input): \(unsupported.summary)",
        notes: unsupported.places + ["no residual stream was found in what does not need them"])
    }
    throw Failure(
      .refused, "\(input): has no residual stream, so there is nothing to replace",
      notes: ["'rba-convert inspect --blocks' says why residual-looking nodes were rejected"])
  }

  private static let defaultMomentsMemory = 256 << 20

  /// What is fitted on and what is held out: half where the guard counts samples, whose number decides
  /// how finely it sees; else a quarter.
  private func split(
    _ all: SampleSelection, _ structure: ModelStructure, _ batching: Batching
  ) throws(Failure) -> (fit: SampleSelection, held: SampleSelection) {
    let countsClasses = structure.compared.contains {
      structure.inference.types[$0]?.shape.count == 2 && structure.graph.isClassScores($0)
    }
    let share = selection.holdout ?? (countsClasses ? 0.5 : 0.25)
    var (fit, held) = all.split(holding: share, batching)
    if held.count == 0, batching.group > 1 {
      (fit, held) = all.splitInTwo(holding: share, atLeast: batching.group)
    }
    guard fit.count > 0, held.count > 0 else {
      let needed = Int(exactly: max(1 / share, 1 / (1 - share)).rounded(.up)) ?? .max
      let found = batching == .whole ? all.count : all.kindCount()
      throw Failure(
        .malformedInput,
        "\(all.samples.source): expected at least \(needed) different samples, to fit on some and hold out "
          + "others, got \(found)")
    }
    return (fit, held)
  }
}

extension ModelStructure {
  /// Names of the values compared that are scores of classes.
  fileprivate var classScores: Set<String> {
    Set(compared.filter(graph.isClassScores).map { graph[$0].name })
  }

  /// Labels with the output that has scores for them.
  ///
  /// - Throws: `Failure` where they are no classes of an output that may have.
  fileprivate func matched(
    _ labels: ClassLabels?, batch: Int
  ) throws(Failure) -> ClassLabels? {
    try labels?.matched(
      with: compared.compactMap {
        ClassLabels.Candidate($0, inference.types[$0], batch: batch, in: graph)
      })
  }

  /// - Throws: `Failure` where a node refuses the samples.
  fileprivate func checkRuns(_ loaded: LoadedModel, _ samples: SampleSet) throws(Failure) {
    let failure = inference.failures.first { $0.error.code != .unsupported }
    guard let (id, error) = failure else { return }
    throw Failure(
      ExecutionError(.operatorFailed, place: graph[id].label, error.message), in: loaded.path,
      on: samples)
  }

  /// Says where the model is compared, if that is not at all of its outputs.
  fileprivate func noteComparison(_ diagnostics: Diagnostics) {
    let unsupported = unevaluated.operators
    if !unsupported.isEmpty {
      diagnostics.note(([unsupported.summary] + unsupported.places).joined(separator: "; "))
    }
    guard comparesInside else { return }
    let isCompared = Set(compared)
    func list(_ values: [ValueID]) -> String {
      values.map { "'\(graph[$0].name)'" }.joined(separator: ", ")
    }
    diagnostics.note(
      "not compared, since they cannot be computed or are no numbers: outputs "
        + "\(list(graph.outputs.filter { !isCompared.contains($0) })); compared instead: "
        + list(compared))
  }
}

/// Fails early where a result could not be written later.
func checkWritable(_ path: String, overwriting: Bool) throws(Failure) {
  do throws(FileError) { _ = try AtomicFile(path: path, overwriting: overwriting) } catch {
    throw Failure(error)
  }
}
