import Execution
import GraphIR
import Operators
import Planning
import Tensors

/// The types of a model's values for one sample, inferred as far as possible and observed beyond.
struct Typing: Sendable {
  let model: Model
  let path: String
  let inference: TypeInference
  let unevaluated: UnevaluatedNodes
  /// Values that no unevaluated node has a part in.
  let computable: Set<ValueID>
  /// Computable results of nodes whose types are unknown, in order.
  let unknown: [ValueID]

  private let types: [String: ArrayType]

  /// Rounds of observation; each learns what lies behind what the last one has learned.
  private static let largestRounds = 64

  /// - Parameter types: of the inputs, and of other values where they are known.
  init(_ model: Model, _ types: [String: ArrayType], _ path: String) throws(Failure) {
    self.model = model
    self.path = path
    self.types = types
    do throws(ExecutionError) {
      inference = try TypeInference(model: model, feedTypes: types)
    } catch { throw Failure(error, in: path) }
    var unevaluated = UnevaluatedNodes(in: model)
    for (id, error) in inference.failures where error.code == .unsupported {
      unevaluated.add(id, model.graph[id], because: error.message)
    }
    self.unevaluated = unevaluated
    let graph = model.graph
    var computable = Set(graph.inputs + graph.initializers)
    var unknown: [ValueID] = []
    let order: [NodeID]
    do throws(GraphError) { order = try graph.topologicalOrder() } catch {
      throw Failure(.malformedInput, "\(path): \(error.message)")
    }
    for id in order where !unevaluated.nodes.contains(id) {
      let reads = graph[id].inputs.compactMap(\.self) + graph.captures(of: id)
      guard reads.allSatisfy(computable.contains) else { continue }
      for case let output? in graph[id].outputs {
        computable.insert(output)
        if inference.types[output] == nil { unknown.append(output) }
      }
    }
    self.computable = computable
    self.unknown = unknown
  }

  /// The same with the types that running `sample` shows. What does not run stays unknown.
  func observing(
    _ sample: [String: Tensor], _ options: ExecutionOptions
  ) throws(Failure) -> Typing {
    var typing = self
    var tried = Set<ValueID>()
    for _ in 0..<Self.largestRounds {
      let next = typing.nextUnknown(but: tried)
      if next.isEmpty { break }
      tried.formUnion(next)
      var types = typing.types
      for (name, tensor) in sample { types[name] = ArrayType(tensor) }
      for (value, type) in typing.observe(next, sample, options) {
        types[model.graph[value].name] = type
      }
      typing = try Typing(model, types, path)
    }
    return typing
  }

  /// Unknown values whose producer's inputs are known, but for those tried before.
  private func nextUnknown(but tried: Set<ValueID>) -> [ValueID] {
    let left = unknown.filter { !tried.contains($0) }
    let isLeft = Set(left)
    let first = left.filter { value in
      guard let id = model.graph.producer(of: value) else { return false }
      return !model.graph[id].inputs.contains { $0.map(isLeft.contains) ?? false }
        && !model.graph.captures(of: id).contains(where: isLeft.contains)
    }
    return first
  }

  /// Types are not worth more memory than this: what needs more stays unknown.
  private static let largestRun = 1 << 30

  private func observe(
    _ values: [ValueID], _ sample: [String: Tensor], _ options: ExecutionOptions
  ) -> [ValueID: ArrayType] {
    var options = options
    options.maximumBytes = min(options.byteLimit, Self.largestRun)
    if let all = run(values, sample, options) { return all }
    guard values.count > 1 else { return [:] }
    // One that does not run must not hide the others.
    return values.reduce(into: [:]) { result, value in
      result.merge(run([value], sample, options) ?? [:]) { first, _ in first }
    }
  }

  private func run(
    _ values: [ValueID], _ sample: [String: Tensor], _ options: ExecutionOptions
  ) -> [ValueID: ArrayType]? {
    let names = values.map { model.graph[$0].name }
    let needed = model.graph.inputs.filter { model.graph.initializer($0) == nil }
      .map { model.graph[$0].name }
    guard needed.allSatisfy({ sample[$0] != nil }),
      let executor = try? Executor(model: model, fetches: names, options: options),
      let results = try? executor.evaluate(sample)
    else { return nil }
    var types: [ValueID: ArrayType] = [:]
    for (value, name) in zip(values, names) { types[value] = results[name].map { ArrayType($0) } }
    return types
  }
}

/// The values at which a rewritten model is held against the original.
///
/// These are the outputs. Where an output cannot be computed or compared, the last values before it that
/// can be, and that depend on a stream, take its place.
struct Comparison {
  private(set) var values: [ValueID] = []

  init(_ typing: Typing, streams: [ResidualStream]) {
    let graph = typing.model.graph
    func isComparable(_ value: ValueID) -> Bool {
      guard typing.computable.contains(value) else { return false }
      guard let type = typing.inference.types[value]?.elementType else {
        // Of unknown type: what is declared decides.
        return graph[value].declaration?.type?.tensor.map { $0.elementType.isComparable } ?? false
      }
      return type.isComparable
    }
    var seen = Set<ValueID>()
    var pending: [ValueID] = []
    for output in graph.outputs where seen.insert(output).inserted {
      if isComparable(output) { values.append(output) } else { pending.append(output) }
    }
    guard !pending.isEmpty else { return }
    var dependent = Set(streams.flatMap { Array($0.points.dropFirst()) })
    for id in graph.order {
      let reads = graph[id].inputs.compactMap(\.self) + graph.captures(of: id)
      if reads.contains(where: dependent.contains) {
        dependent.formUnion(graph[id].outputs.compactMap(\.self))
      }
    }
    var last: [ValueID] = []
    while let value = pending.popLast() {
      guard let id = graph.producer(of: value) else { continue }
      let reads = graph[id].inputs.compactMap(\.self) + graph.captures(of: id)
      for read in reads where dependent.contains(read) && seen.insert(read).inserted {
        if isComparable(read) { last.append(read) } else { pending.append(read) }
      }
    }
    let order = Dictionary(
      uniqueKeysWithValues: graph.order.enumerated().map { ($0.element, $0.offset) })
    func position(_ value: ValueID) -> Int { graph.producer(of: value).flatMap { order[$0] } ?? -1 }
    values += last.sorted { (position($0), $0) < (position($1), $1) }
  }
}
