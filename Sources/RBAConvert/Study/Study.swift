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
  /// Moments gathered earlier, if there are any.
  var savedStatistics: StatisticsFile?
  /// What the original gives on the held-out samples.
  let heldOutputs: HeldOutputs
  /// A stream has a mask where the samples tell tokens from padding by it.
  let streams: [ResidualStream]
  /// Finds the weights of kept steps that may be solved anew.
  let healingSites: HealingSiteSearch
  /// By stream; `nil` where every row counts alike.
  var outliers: [OutlierScale?]
  /// Shared by all executors.
  private let pool: MemoryPool

  /// Names of the values compared, in the original.
  var outputNames: [String] { structure.compared.map { model.graph[$0].name } }
  var threads: Int { options.workers }
  var opset: Int { model.opset(of: "") ?? 1 }

  init(
    _ loaded: LoadedModel, _ structure: ModelStructure, fit: SampleSelection,
    held: SampleSelection, batching: Batching, options: ExecutionOptions, diagnostics: Diagnostics,
    pool: MemoryPool = MemoryPool()
  ) throws(Failure) {
    self.loaded = loaded
    self.structure = structure
    self.fit = fit
    self.held = held
    self.diagnostics = diagnostics
    self.batching = batching
    self.options = options
    self.pool = pool
    model = structure.model
    let graph = structure.model.graph
    streams = structure.streams.map { stream in
      var stream = stream
      if !fit.samples.masks(by: stream.mask.map { graph[$0].name }, batching) { stream.mask = nil }
      return stream
    }
    healingSites = structure.healingSites
    outliers = structure.streams.map { _ in nil }
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
    } catch { throw Failure(error, in: loaded.path, on: fit.samples) }
  }

  /// A study of the samples alone that are fitted on here, to search by, so that what is held out has no
  /// part in what is found. About `count` of them are fitted on, or fewer: of all of them at least as large a
  /// share is measured on as is held out here, or half of them where that is less, and at most as many
  /// samples as are held out here.
  ///
  /// - Returns: `nil` where there are too few to measure on.
  func ofFittedSamples(fittingOn count: Int) throws(Failure) -> Study? {
    let heldShare = Double(held.count) / Double(fit.count + held.count)
    let share = max(1 - Double(count) / Double(fit.count), min(heldShare, 0.5))
    var (fitted, measured) = fit.split(holding: share, batching)
    _ = fitted.removeRemainder(batching)
    measured = measured.spread(held.count, group: batching.group)
    _ = measured.removeRemainder(batching)
    guard fitted.count > 0, measured.count >= Self.fewestMeasured else { return nil }
    var result = try Study(
      loaded, structure, fit: fitted, held: measured, batching: batching, options: options,
      diagnostics: diagnostics, pool: pool)
    result.outliers = outliers
    return result
  }

  /// Of fewer samples than this no search learns what others make of a set.
  private static let fewestMeasured = 8

  func executor(
    _ model: Model? = nil, feeds: [String]? = nil, fetches: [String]? = nil
  ) throws(Failure) -> Executor {
    do throws(ExecutionError) {
      return try Executor(
        model: model ?? self.model, feeds: feeds, fetches: fetches, options: options, pool: pool)
    } catch { throw Failure(error, in: loaded.path, on: fit.samples) }
  }

  /// The name of a stream's point.
  func name(_ point: Int, of stream: ResidualStream) -> String {
    model.graph[stream.points[point]].name
  }

  /// The model with weights updated and spans replaced.
  func rewritten(
    _ choices: [Choice], updates: [WeightUpdate] = []
  ) throws(Failure) -> RewrittenModel {
    var (result, standIns) = try replaced(choices, updates: updates)
    do throws(GraphError) { try structure.restore(&result.graph) } catch { throw Failure(error) }
    return RewrittenModel(
      model: result,
      compared: structure.compared.map { result.graph[standIns[$0] ?? $0].name })
  }

  /// Finds out in which streams some tokens are outliers, from the first samples fitted on: their rows
  /// have weights from then on.
  mutating func findOutliers() throws(Failure) {
    let none = streams.map { LengthHistogram(pointCount: $0.points.count) }
    let tokens = streams.indices.filter { streams[$0].layout == .lastAxis }
    var total = none
    try StreamObservation(
      study: self,
      points: streams.indices.map { tokens.contains($0) ? Array(streams[$0].points.indices) : [] }
    ).forEachMicroBatch(
      fit.spread(Self.outlierSamples, group: batching.group),
      work: { batches, _ in
        var part = none
        for index in tokens {
          batches[index].rows().points.withBuffers {
            part[index].add($0, width: batches[index].stream.width)
          }
        }
        return part
      }, merge: { part in for index in total.indices { total[index].merge(part[index]) } })
    for index in tokens { outliers[index] = OutlierScale(total[index]) }
  }

  /// Samples that outliers are looked for in.
  private static let outlierSamples = 64

  /// Whether a mean over a sample's tokens has a meaning, and is not that of its outliers.
  func allowsContext(_ stream: ResidualStream) -> Bool {
    guard let index = streams.firstIndex(where: { $0.points == stream.points }),
      ReplacementForm.context.objection(to: stream) == nil, outliers[index] == nil
    else { return false }
    if case .pieces = batching { return false }
    return stream.type.shape[1] > 1
  }

  /// What a stream's mask is for the samples of a micro-batch.
  ///
  /// - Parameter rows: how many samples there are; a group of fixed size was filled up behind them.
  func mask(of stream: Int, in feeds: [String: Tensor], rows: Int) -> Tensor? {
    streams[stream].maskValues(in: feeds, of: model.graph, rows: rows)
  }

  /// The same with sums by themselves, and what stands for each point that was replaced.
  func replaced(
    _ choices: [Choice], updates: [WeightUpdate]
  ) throws(Failure) -> (model: Model, standIns: [ValueID: ValueID]) {
    var result = model
    do throws(PlanError) {
      try result.graph.apply(choices.flatMap(\.updates) + updates)
      let standIns = try result.graph.replace(
        choices.map { $0.replacement(in: streams) }, streams, opset: opset)
      return (result, standIns)
    } catch { throw Failure(.malformedInput, "\(loaded.path): \(error)") }
  }

  /// Runs `body`, whose errors come from executing this model, and says where they come from.
  func reporting<Result>(_ body: () throws -> Result) throws(Failure) -> Result {
    do { return try body() } catch let error as Failure {
      throw error
    } catch let error as ExecutionError {
      throw Failure(error, in: loaded.path, on: fit.samples)
    } catch let error as NonFiniteValues {
      throw Failure(
        .malformedInput,
        "\(loaded.path): the values at point \(error.point) of a residual stream are not finite, or too large "
          + "to square")
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

extension ResidualStream {
  /// What the mask is for the first `rows` samples of `feeds`.
  func maskValues(in feeds: [String: Tensor], of graph: Graph, rows: Int) -> Tensor? {
    guard let mask, let values = feeds[graph[mask].name], rows <= values.shape.first ?? 0 else {
      return nil
    }
    return values.slice(0..<rows)
  }
}

extension SampleSet {
  /// Whether the input called `name` tells tokens from padding: by ones and zeros.
  func masks(by name: String?, _ batching: Batching) -> Bool {
    if case .pieces = batching { return false }
    guard let name, let values = feeds[name]?.floats else { return false }
    return values.allSatisfy { $0 == 0 || $0 == 1 }
  }
}
