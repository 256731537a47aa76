import Glibc
import GraphIR
import Planning
import Tensors

/// A smaller model from a model: the verb `convert`.
public struct Conversion: Sendable {
  /// The model to read.
  public var input: String
  /// The file to write; a dry run, which writes none, may leave it out.
  public var output: String?
  /// Whether the model is written, rather than only what would be is told.
  public var writes: Bool
  /// Whether files that stand there may be replaced.
  public var overwriting: Bool
  /// Whether the written model's metadata say what was done.
  public var recordsProvenance: Bool
  /// What to feed.
  public var data: DataRequest
  /// What to replace and how far to go.
  public var selection: SelectionOptions
  /// What the work may use.
  public var machine: Machine
  /// Where weights go: `keep`, `inline`, or the name of a file beside the output.
  public var externalData: String
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(
    input: String, output: String?, writes: Bool = true, overwriting: Bool, recordsProvenance: Bool,
    data: DataRequest, selection: SelectionOptions, machine: Machine,
    externalData: String = "keep", externalDataDirectory: String? = nil
  ) {
    self.input = input
    self.output = output
    self.writes = writes
    self.overwriting = overwriting
    self.recordsProvenance = recordsProvenance
    self.data = data
    self.selection = selection
    self.machine = machine
    self.externalData = externalData
    self.externalDataDirectory = externalDataDirectory
  }

  /// Converts, writes, reads back and compares. Where the guard fails or nothing can go, no file is
  /// written and the report says so.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> ConversionReport {
    var analysis = Analysis(
      input: input, plan: nil, overwriting: overwriting, data: data, selection: selection,
      machine: machine, externalDataDirectory: externalDataDirectory)
    try analysis.checkOptions()
    var target: ModelOutput?
    var inputs = InputFiles()
    inputs.add(model: input)
    inputs.add(data)
    if let output {
      try data.checkStatistics(differFrom: output)
      let output = try ModelOutput(
        path: output, overwriting: overwriting, externalData: externalData)
      try inputs.checkDistinct(output)
      if writes { try output.checkWritable() }
      target = output
    }
    let loaded = try LoadedModel(path: input, externalDataDirectory: externalDataDirectory)
    analysis.output = target
    analysis.recordsProvenance = recordsProvenance
    inputs.add(partsOf: loaded)
    if let target { try inputs.checkDistinct(target) }
    let result = try analysis.analyze(loaded, diagnostics)
    var report = try result.report(verb: "convert")
    if let refusal = report.refusal {
      report.refusal = "\(refusal), so no model is written"
      return report
    }
    result.noteUncertainty(diagnostics)
    guard let target, writes else { return report }
    let plan = try result.plan(signature: recordsProvenance ? try result.signature() : nil)
    var rewritten = try result.rewritten()
    rewritten.model.removeStaleTrainingInfo(diagnostics)
    if recordsProvenance { try rewritten.model.recordProvenance(of: plan) }
    let paths = try target.write(rewritten.model, sparing: inputs)
    let written: LoadedModel
    do throws(Failure) {
      written = try LoadedModel(path: paths[0])
      rewritten.model = written.model
      try confirm(rewritten, written.path, result)
    } catch {
      // What is not what was measured must not stay where a pipeline would pick it up.
      for path in paths { unlink(path) }
      throw error
    }
    report.bytes.after = written.byteCount
    report.parameters.after = written.model.graph.parameterCount
    report.output = paths[0]
    return report
  }

  /// The file must give on held-out data exactly what was measured before it was written.
  private func confirm(
    _ written: RewrittenModel, _ path: String, _ result: AnalysisResult
  ) throws(Failure) {
    let measured = try result.study.compare(with: written)
    guard measured.damage == result.selection.measurement.damage else {
      throw Failure(
        .internalFault,
        "\(path): the written model gives a relative error of \(measured.damage), "
          + "expected \(result.selection.measurement.damage)")
    }
  }
}

/// What entries of a model's metadata are called that other verbs read.
enum ProvenanceKey {
  /// The digest of the model it was made from.
  static let source = "rba-convert.source-sha256"
  /// A `CalibrationSignature`.
  static let calibration = "rba-convert.calibration"
}

extension Model {
  /// Removes training graphs that update weights which are gone, and says so.
  mutating func removeStaleTrainingInfo(_ diagnostics: Diagnostics) {
    let count = removeStaleTrainingInfo()
    guard count > 0 else { return }
    diagnostics.note(
      "\(count) training_info left out: its graphs speak of values that were replaced")
  }

  /// Writes down in the model's metadata what it was made from, how, and what the data were like.
  mutating func recordProvenance(of plan: ReplacementPlan) throws(Failure) {
    let spans = plan.spans.map { "\($0.label) \($0.form.rawValue)" }.joined(separator: ", ")
    let calibration: String?
    do { calibration = try plan.calibration?.json() } catch {
      throw Failure(.internalFault, "cannot encode what the calibration data were like: \(error)")
    }
    let entries = [
      ("rba-convert.version", programVersion), (ProvenanceKey.source, plan.model),
      ("rba-convert.spans", spans), (ProvenanceKey.calibration, calibration),
    ]
    for (key, value) in entries {
      metadata.removeAll { $0.key == key }
      if let value { metadata.append(MetadataEntry(key: key, value: value)) }
    }
  }
}
