import FoundationEssentials
import GraphIR
import Planning
import Tensors

/// A plan, perhaps edited by hand, to a smaller model: the verb `apply`.
public struct PlanApplication: Sendable {
  /// The model to read.
  public var model: String
  /// The plan to read.
  public var plan: String
  /// The model to write.
  public var output: String
  /// Whether files that stand there may be replaced.
  public var overwriting: Bool
  /// Whether the written model's metadata say what was done.
  public var recordsProvenance: Bool
  /// Where weights go: `keep`, `inline`, or the name of a file beside the output.
  public var externalData: String
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(
    model: String, plan: String, output: String, overwriting: Bool, recordsProvenance: Bool,
    externalData: String = "keep", externalDataDirectory: String? = nil
  ) {
    self.model = model
    self.plan = plan
    self.output = output
    self.overwriting = overwriting
    self.recordsProvenance = recordsProvenance
    self.externalData = externalData
    self.externalDataDirectory = externalDataDirectory
  }

  /// Applies the plan, writes the model, and says how large both are.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> SizeReport {
    let target = try ModelOutput(
      path: output, overwriting: overwriting, externalData: externalData)
    var inputs = InputFiles()
    inputs.add(model: model)
    inputs.add(plan, "the plan")
    try inputs.checkDistinct(target)
    try target.checkWritable()
    let loaded = try LoadedModel(path: model, externalDataDirectory: externalDataDirectory)
    inputs.add(partsOf: loaded)
    try inputs.checkDistinct(target)
    let structure = try ModelStructure(loaded, sample: loaded.oneSyntheticSample(extents: [:]))
    var result = structure.model
    var document = try ReplacementPlan(path: plan)
    do throws(PlanError) {
      let spans = try document.resolve(
        in: result.graph, structure.streams, digest: loaded.digest())
      let replacements = zip(spans, document.spans).map { span, entry in
        ReplaceSpanWithLinear(
          span, form: entry.form, weights: entry.weights ?? .init(),
          mask: entry.mask.flatMap { result.graph.value(named: $0) })
      }
      for (index, span) in spans.enumerated() {
        let label = span.label(in: structure.streams)
        if document.spans[index].label != label {
          diagnostics.note(
            "\(plan): spans[\(index)].label: is '\(document.spans[index].label)' of span \(label): from and "
              + "to decide")
          document.spans[index].label = label
        }
      }
      try result.graph.apply(document.updates)
      try result.graph.replace(replacements, structure.streams, opset: result.opset(of: "") ?? 1)
    } catch { throw Failure(.malformedInput, "\(plan): \(error)") }
    do throws(GraphError) { try structure.restore(&result.graph) } catch { throw Failure(error) }
    result.removeStaleTrainingInfo(diagnostics)
    if recordsProvenance { try result.recordProvenance(of: document) }
    let written = try target.write(result, sparing: inputs)
    return try SizeReport(verb: "apply", from: loaded, to: written[0])
  }
}

extension ReplacementPlan {
  /// Reads a plan from a file.
  init(path: String) throws(Failure) {
    let file: MappedFile
    do throws(FileError) { file = try MappedFile(path: path) } catch { throw Failure(error) }
    do throws(PlanError) { try self.init(json: Array(file.region.bytes)) } catch {
      throw Failure(.malformedInput, "\(path): \(error)")
    }
  }

  func write(to path: String, overwriting: Bool) throws(Failure) {
    let bytes: [UInt8]
    do { bytes = try json() } catch {
      throw Failure(.internalFault, "\(path): cannot encode the plan: \(error)")
    }
    do throws(FileError) {
      var file = try AtomicFile(path: path, overwriting: overwriting)
      try file.write(bytes)
      try file.commit()
    } catch { throw Failure(error) }
  }
}

extension SizeReport {
  init(verb: String, from loaded: LoadedModel, to path: String) throws(Failure) {
    let written = try LoadedModel(path: path)
    self.init(
      schema: "rba-convert/\(verb)/1",
      parameters: BeforeAfter(
        before: loaded.model.graph.parameterCount, after: written.model.graph.parameterCount),
      bytes: BeforeAfter(before: loaded.byteCount, after: written.byteCount), output: path)
  }
}
