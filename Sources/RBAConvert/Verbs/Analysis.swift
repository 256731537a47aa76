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
  /// What the work may use.
  public var machine: Machine
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(
    input: String, plan: String?, overwriting: Bool, data: DataRequest,
    selection: SelectionOptions, machine: Machine, externalDataDirectory: String? = nil
  ) {
    self.input = input
    self.plan = plan
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
      try inputs.checkDistinct(plan)
      try checkWritable(plan, overwriting: overwriting)
    }
    let loaded = try LoadedModel(path: input, externalDataDirectory: externalDataDirectory)
    inputs.add(partsOf: loaded)
    if let plan { try inputs.checkDistinct(plan) }
    let result = try analyze(loaded, diagnostics)
    var report = result.report(verb: "analyze")
    if let plan {
      try result.plan().write(to: plan, overwriting: overwriting)
      report.output = plan
    }
    return report
  }

  /// Checks what can be checked before a file is read.
  func checkOptions() throws(Failure) {
    _ = try FitPolicy(form: selection.form, fit: selection.fit)
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
    loaded.noteNewerVersion(diagnostics)
    try loaded.checkSupported()
    let extents = try parseExtents(data.dimensions)
    let streams = try ModelStructure(loaded, extents: extents).streams
    guard !streams.isEmpty else {
      throw Failure(
        .refused, "\(input): has no residual stream, so there is nothing to replace",
        notes: ["'rba-convert inspect --blocks' says why residual-looking nodes were rejected"])
    }
    let goal = try Goal(
      selection, parameters: loaded.model.graph.parameterCount, streams: streams)
    let samples = try DataSupply(loaded: loaded, diagnostics: diagnostics).samples(
      data, flag: "--calibration", defaultCount: SyntheticSamples.defaultCount)
    try samples.checkFinite()
    let structure = try ModelStructure(loaded, extents: extents, samples: samples)
    let (fit, held) = try split(samples, structure)
    let study = try Study(
      loaded, structure, fit: fit, held: held, machine: machine, diagnostics: diagnostics)
    let selector = Selector(
      study: study, policy: policy,
      rule: GuardRule(
        limit: selection.maximumDrop ?? (goal.isGuarded ? nil : .infinity),
        isSynthetic: samples.isSynthetic),
      memory: machine.maximumBytes.map { $0 / 2 } ?? Self.defaultMomentsMemory)
    return AnalysisResult(
      study: study, selector: selector, selection: try selector.choose(goal), samples: samples)
  }

  private static let defaultMomentsMemory = 256 << 20

  /// What is fitted on and what is held out: half where the guard counts samples, whose number decides
  /// how finely it sees; else a quarter.
  private func split(
    _ samples: SampleSet, _ structure: ModelStructure
  ) throws(Failure) -> (fit: SampleSelection, held: SampleSelection) {
    let countsClasses = structure.graph.outputs.contains {
      structure.inference.types[$0]?.shape.count == 2
    }
    let share = selection.holdout ?? (countsClasses ? 0.5 : 0.25)
    let (fit, held) = samples.split(holding: share)
    guard fit.count > 0, held.count > 0 else {
      let needed = Int(exactly: max(1 / share, 1 / (1 - share)).rounded(.up)) ?? .max
      throw Failure(
        .malformedInput,
        "\(samples.source): expected at least \(needed) samples, to fit on some and hold out others, "
          + "got \(samples.count)")
    }
    return (fit, held)
  }
}

extension LoadedModel {
  /// - Throws: `Failure` listing every operator that cannot be executed.
  func checkSupported() throws(Failure) {
    do throws(ExecutionError) { _ = try Executor(model: model) } catch {
      throw Failure(error, in: path)
    }
  }
}

/// Fails early where a result could not be written later.
func checkWritable(_ path: String, overwriting: Bool) throws(Failure) {
  do throws(FileError) { _ = try AtomicFile(path: path, overwriting: overwriting) } catch {
    throw Failure(error)
  }
}
