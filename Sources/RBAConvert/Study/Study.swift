import Execution
import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// A model with its data, split into what is fitted on and what is measured on.
struct Study: Sendable {
  let loaded: LoadedModel
  /// What gets rewritten: the model as the structure has it.
  let model: Model
  let structure: ModelStructure
  let fit: SampleSelection
  let held: SampleSelection
  let options: ExecutionOptions
  let diagnostics: Diagnostics
  let batching: Batching
  /// What the original gives on the held-out samples.
  let heldOutputs: HeldOutputs
  /// Shared by all executors: one of them runs at a time.
  private let pool: MemoryPool

  var streams: [ResidualStream] { structure.streams }
  /// Names of the values compared, in the original.
  var outputNames: [String] { structure.compared.map { model.graph[$0].name } }
  var threads: Int { options.workers }
  var opset: Int { model.opset(of: "") ?? 1 }

  init(
    _ loaded: LoadedModel, _ structure: ModelStructure, fit: SampleSelection,
    held: SampleSelection, batching: Batching, machine: Machine, diagnostics: Diagnostics
  ) throws(Failure) {
    self.loaded = loaded
    self.structure = structure
    self.fit = fit
    self.held = held
    self.diagnostics = diagnostics
    self.batching = batching
    options = machine.studyOptions
    model = structure.model
    pool = MemoryPool()
    let names = structure.compared.map { structure.graph[$0].name }
    // Types are those of one group.
    let types = structure.compared.map { structure.inference.types[$0] }
    var group: (bytes: Int, size: Int)?
    if !types.contains(nil), batching != .pieces(of: batching.group) {
      group = (types.reduce(0) { saturatingSum($0, $1!.byteCount) }, batching.group)
    }
    do throws(ExecutionError) {
      heldOutputs = try HeldOutputs(
        Executor(model: model, fetches: names, options: options, pool: pool), held, group: group)
    } catch { throw Failure(error, in: loaded.path) }
  }

  func executor(
    _ model: Model? = nil, feeds: [String]? = nil, fetches: [String]? = nil
  ) throws(Failure) -> Executor {
    do throws(ExecutionError) {
      return try Executor(
        model: model ?? self.model, feeds: feeds, fetches: fetches, options: options, pool: pool)
    } catch { throw Failure(error, in: loaded.path) }
  }

  /// The name of a stream's point.
  func name(_ point: Int, of stream: ResidualStream) -> String {
    model.graph[stream.points[point]].name
  }

  /// The model with spans replaced.
  func rewritten(_ choices: [Choice]) throws(Failure) -> RewrittenModel {
    var result = model
    let standIns: [ValueID: ValueID]
    do throws(PlanError) {
      standIns = try result.graph.replace(choices.map(\.replacement), streams, opset: opset)
    } catch { throw Failure(.malformedInput, "\(loaded.path): \(error)") }
    do throws(GraphError) { try structure.restore(&result.graph) } catch { throw Failure(error) }
    return RewrittenModel(
      model: result,
      compared: structure.compared.map { result.graph[standIns[$0] ?? $0].name })
  }

  /// Runs `body`, whose errors come from executing this model, and says where they come from.
  func reporting<Result>(_ body: () throws -> Result) throws(Failure) -> Result {
    do { return try body() } catch let error as Failure {
      throw error
    } catch let error as ExecutionError {
      throw Failure(error, in: loaded.path)
    } catch let error as NonFiniteValues {
      throw Failure(
        .malformedInput,
        "\(loaded.path): the values at point \(error.point) of a residual stream are not finite")
    } catch {
      throw Failure(.internalFault, "\(loaded.path): \(error)")
    }
  }
}

extension Machine {
  /// For running models: the other half of the memory goes to moments.
  var studyOptions: ExecutionOptions {
    ExecutionOptions(threads: threads, maximumBytes: maximumBytes.map { $0 / 2 })
  }
}

/// A model with spans replaced.
struct RewrittenModel: Sendable {
  var model: Model
  /// What the values compared are called in it: a point that was replaced has another name, unless it is
  /// an output.
  let compared: [String]
}

/// A span with the map that takes its place.
struct Choice: Sendable {
  let span: CandidateSpan
  let form: ReplacementForm
  let fit: Fit
  /// What replacing this span alone does to the outputs on held-out data: the mean of their relative
  /// errors. `nil` before it is measured.
  var damage: Double?

  init(_ span: CandidateSpan, _ fit: Fit, damage: Double? = nil) {
    self.span = span
    self.fit = fit
    self.damage = damage
    form =
      switch fit.map {
      case .identity: .identity
      case .bias: .bias
      case .diagonal: .diagonal
      case .linear(_, bias: nil): .leastSquares
      case .linear: .linear
      }
  }

  var weights: ReplacementWeights {
    switch fit.map {
    case .identity: ReplacementWeights()
    case .bias(let bias): ReplacementWeights(bias: bias)
    case .diagonal(let scale, let bias): ReplacementWeights(weight: scale, bias: bias)
    case .linear(let weight, let bias): ReplacementWeights(weight: weight, bias: bias)
    }
  }

  var replacement: ReplaceSpanWithLinear {
    ReplaceSpanWithLinear(span, form: form, weights: weights)
  }
}
