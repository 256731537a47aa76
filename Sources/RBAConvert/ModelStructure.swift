import Execution
import GraphIR
import Operators
import Planning
import Tensors

/// A model's types at a batch of one, its residual streams, and what its nodes cost.
struct ModelStructure: Sendable {
  /// The model that is analysed and rewritten: calls of its own functions inlined, sums by themselves.
  let model: Model
  let inference: TypeInference
  let finding: StreamFinding
  /// What dimensions that nothing gives were taken to be.
  let defaultExtent: Int
  /// What cannot be evaluated.
  let unevaluated: UnevaluatedNodes
  /// Values that take no such node.
  let computable: Set<ValueID>
  /// Values at which a rewritten model is held against the original.
  let compared: [ValueID]

  /// Whether the types of all values are known that can be computed.
  let isComplete: Bool

  private let separation: SumSeparation
  private let constants: Set<ValueID>

  var graph: Graph { inference.graph }
  var streams: [ResidualStream] { finding.streams }

  /// Extents to try where nothing gives any: of tokens, and of pictures.
  private static let extents = [32, 224, 128, 16, 64, 256, 48, 384, 8, 512, 1]

  /// Infers types from declarations alone, trying several extents where those are silent.
  ///
  /// - Parameters:
  ///   - extents: what dimension parameters stand for; the batch is one.
  ///   - sample: makes a sample whose dimensions that nothing gives have the given extent. It is run
  ///     where inference does not tell all types.
  init(
    _ loaded: LoadedModel, extents: [String: Int] = [:],
    sample: ((_ defaultExtent: Int) throws(Failure) -> SampleSet)? = nil,
    options: ExecutionOptions = .init()
  ) throws(Failure) {
    let inputs = InputTypes(inputs: loaded.tensorInputs, path: loaded.path, extents: extents)
    let model = try Self.analysed(loaded, try inputs.types(defaultExtent: Self.extents[0]))
    var best: (typing: Typing, extent: Int)?
    for extent in inputs.areGiven ? [Self.extents[0]] : Self.extents {
      let typing = try Typing(model.model, try inputs.types(defaultExtent: extent), loaded.path)
      if typing.unknown.count < best?.typing.unknown.count ?? .max { best = (typing, extent) }
      if typing.unknown.isEmpty { break }
    }
    var (typing, extent) = best!
    if !typing.unknown.isEmpty, let sample, let samples = try? sample(extent) {
      typing = try typing.observing(inputs.one(of: samples), options)
    }
    self.init(model, typing, defaultExtent: extent)
  }

  /// Infers types of the samples given, and runs one of them where inference does not tell all.
  init(
    _ loaded: LoadedModel, extents: [String: Int] = [:], samples: SampleSet,
    options: ExecutionOptions = .init()
  ) throws(Failure) {
    let inputs = InputTypes(
      inputs: loaded.tensorInputs, path: loaded.path, extents: extents, samples: samples)
    let types = try inputs.types(defaultExtent: Self.extents[0])
    let model = try Self.analysed(loaded, types)
    var typing = try Typing(model.model, types, loaded.path)
    if !typing.unknown.isEmpty { typing = try typing.observing(inputs.one(of: samples), options) }
    self.init(model, typing, defaultExtent: Self.extents[0])
  }

  private init(
    _ analysed: (model: Model, separation: SumSeparation), _ typing: Typing, defaultExtent: Int
  ) {
    model = analysed.model
    separation = analysed.separation
    inference = typing.inference
    unevaluated = typing.unevaluated
    computable = typing.computable
    isComplete = typing.unknown.isEmpty && typing.inference.failures.isEmpty
    self.defaultExtent = defaultExtent
    let inference = inference
    let computable = computable
    let constants = inference.graph.inputIndependentValues.union(inference.values.keys)
    self.constants = constants
    let found = StreamFinding(
      in: inference.graph, types: inference.types.filter { computable.contains($0.key) },
      constants: constants
    ) { inference.multiplyAdds(of: $0) ?? 0 }
    finding = found
    compared = Comparison(typing, streams: found.streams).values
  }

  /// The model with calls of functions inlined and sums by themselves.
  private static func analysed(
    _ loaded: LoadedModel, _ types: [String: ArrayType]
  ) throws(Failure) -> (model: Model, separation: SumSeparation) {
    var model = loaded.model
    if !model.functions.isEmpty {
      do throws(ExecutionError) {
        model.graph = try TypeInference(model: model, feedTypes: types).graph
      } catch { throw Failure(error, in: loaded.path) }
      model.functions = []
    }
    do throws(GraphError) {
      let separation = try SumSeparation(model.graph, opset: model.opset(of: "") ?? 1)
      model.graph = separation.graph
      return (model, separation)
    } catch { throw Failure(.malformedInput, "\(loaded.path): \(error.message)") }
  }

  /// Finds weights of the streams that may be solved anew.
  var healingSites: HealingSiteSearch {
    let inference = inference
    return HealingSiteSearch(in: inference.graph, types: inference.types, constants: constants) {
      inference.graph.constant($0) ?? inference.values[$0]
    }
  }

  /// Puts sums that no replacement touched back to where they were.
  func restore(_ graph: inout Graph) throws(GraphError) { try separation.restore(in: &graph) }

  /// Whether the values compared are not the model's outputs, or not all of them.
  var comparesInside: Bool { compared != graph.outputs.uniqued }

  /// Multiply-adds of all nodes for one sample.
  var multiplyAdds: Int {
    graph.order.reduce(0) { sum, node in
      let (next, overflow) = sum.addingReportingOverflow(inference.multiplyAdds(of: node) ?? 0)
      return overflow ? .max : next
    }
  }

  /// A line for people on what was left out of sight, if anything was.
  var note: String? {
    guard unevaluated.operators.isEmpty else {
      return unevaluated.operators.summary + "; streams are looked for in what does not need them"
    }
    guard let failure = inference.failures.first else { return nil }
    return "types behind \(graph[failure.node].label) are unknown (\(failure.error.message)): "
      + "no stream is found there; give extents with --dim, or data"
  }
}

extension [ValueID] {
  /// Each element once, in order.
  fileprivate var uniqued: [ValueID] {
    var seen = Set<ValueID>()
    return filter { seen.insert($0).inserted }
  }
}

extension Graph {
  /// Values that no input decides: stored ones, and what is computed from those alone.
  fileprivate var inputIndependentValues: Set<ValueID> {
    var result = Set(initializers)
    for (id, node) in nodes {
      let reads = node.inputs.compactMap(\.self) + captures(of: id)
      if reads.allSatisfy(result.contains) { result.formUnion(node.outputs.compactMap(\.self)) }
    }
    return result
  }
}
