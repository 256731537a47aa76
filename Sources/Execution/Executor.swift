package import GraphIR
import Kernels
package import Operators
import Synchronization
package import Tensors

/// Runs a graph, or a part of it, on as many samples as there are.
///
/// The executor works on a private copy of the graph: calls of functions inlined, only the nodes between
/// feeds and fetches, lowered to fused operators. It plans once for each set of input shapes.
package final class Executor: Sendable {
  /// Names of the values that a caller gives.
  package let feeds: [String]
  /// Names of the values that a run returns.
  package let fetches: [String]
  /// The types that the model declares for the feeds; absent where it declares none.
  package var feedTypes: [String: TensorType] { check.types }

  let check: FeedCheck
  let options: ExecutionOptions
  private let pool: MemoryPool
  /// The part before lowering, whose values still have their names.
  private let source: Model
  private let sourceTable: OperatorTable
  private let planned: PlannedGraph
  let semantics = Mutex<[[ArrayType]: BatchSemantics]>([:])

  /// - Parameters:
  ///   - feeds: values the caller gives, possibly inside the graph; the inputs without initializer where
  ///     `nil`.
  ///   - fetches: values to return, possibly inside the graph; the outputs where `nil`.
  ///   - pool: memory to share with other executors.
  /// - Throws: `ExecutionError.unsupportedOperators` listing all of them, `.unknownValue`, `.unfedInput`,
  ///   `.invalidGraph`, or `.operatorFailed` where a node's attributes are wrong.
  package init(
    model: Model, feeds: [String]? = nil, fetches: [String]? = nil,
    options: ExecutionOptions = .init(), pool: MemoryPool = MemoryPool(),
    registry: OperatorRegistry = .standard
  ) throws(ExecutionError) {
    BLAS.useOneThreadPerCaller()
    let inlined = try model.inliningFunctions(registry: registry)
    self.feeds = feeds ?? inlined.requiredInputs
    self.fetches = fetches ?? inlined.graph.outputs.map { inlined.graph[$0].name }
    self.options = options
    self.pool = pool
    // Callers give and get values by names that are Swift's strings.
    for names in [self.feeds, self.fetches]
    where Set(names).count < Set(names.map(ExactText.init)).count {
      throw ExecutionError(
        .unsupportedNames, "inputs or outputs whose names differ only in their Unicode form")
    }
    source = try inlined.extract(feeds: self.feeds, fetches: self.fetches)
    sourceTable = OperatorTable(source, registry: registry)
    try sourceTable.check(source.graph)
    let lowered =
      options.fuses
      ? try source.lowered(TypeInference(source.graph, sourceTable, feedTypes: [:])) : source
    planned = PlannedGraph(lowered.graph, OperatorTable(lowered, registry: registry))
    try planned.table.check(planned.graph)
    check = FeedCheck(
      names: self.feeds, types: try Self.declaredTypes(self.feeds, inlined, registry))
  }

  /// Bytes of arenas, results and tensors made on the way that were alive at the same time, at most.
  package var peakBytes: Int { pool.peakBytes }

  /// What the model declares of the feeds. Where it is silent about a value inside a graph whose inputs
  /// are all concrete, what those imply.
  private static func declaredTypes(
    _ names: [String], _ model: Model, _ registry: OperatorRegistry
  ) throws(ExecutionError) -> [String: TensorType] {
    var types: [String: TensorType] = [:]
    var isComplete = true
    for name in names {
      let value = model.graph.value(named: name)
      types[name] = value.flatMap { model.graph[$0].declaration?.type?.tensor }
      if types[name]?.shape == nil { isComplete = false }
    }
    let isConcrete = model.graph.inputs.allSatisfy {
      model.graph.initializer($0) != nil
        || model.graph[$0].declaration?.type?.tensor?.concreteShape != nil
    }
    guard !isComplete, isConcrete else { return types }
    let inference = try TypeInference(model: model, feedTypes: [:], registry: registry)
    for name in names {
      guard types[name]?.shape == nil, let value = model.graph.value(named: name),
        let type = inference.types[value]
      else { continue }
      types[name] = TensorType(type.elementType, type.shape.map { .size($0) })
    }
    return types
  }

  /// Evaluates the batch given as a whole, on the calling thread. May be called from many at once.
  ///
  /// - Throws: `ExecutionError`.
  package func evaluate(_ feeds: [String: Tensor]) throws(ExecutionError) -> [String: Tensor] {
    try evaluate(try check.arrange(feeds, types: feeds.mapValues { ArrayType($0) }))
  }

  /// Evaluates the batch given as a whole, where feeds or fetches may be no tensors.
  ///
  /// - Throws: `ExecutionError`.
  package func evaluate(
    values feeds: [String: RuntimeValue]
  ) throws(ExecutionError) -> [String: RuntimeValue] {
    var types: [String: ArrayType] = [:]
    for case (let name, .tensor(let tensor)) in feeds { types[name] = ArrayType(tensor) }
    return try evaluate(try check.arrange(feeds, types: types))
  }

  func evaluate(_ tensors: [Tensor]) throws(ExecutionError) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (name, value) in try evaluate(tensors.map { RuntimeValue.tensor($0) }) {
      do throws(OperatorError) { result[name] = try value.tensor("output '\(name)'") } catch {
        throw ExecutionError(.unsupportedFetch, error.message)
      }
    }
    return result
  }

  private func evaluate(_ values: [RuntimeValue]) throws(ExecutionError) -> [String: RuntimeValue] {
    let results = try planned.evaluate(values, limit: options.byteLimit, pool: pool)
    return Dictionary(zip(fetches, results)) { first, _ in first }
  }

  /// Concrete types of all values between feeds and fetches, by name, without running.
  ///
  /// - Throws: `ExecutionError` where the feeds do not fit the declarations or a node refuses them.
  package func types(
    for feedTypes: [String: ArrayType]
  ) throws(ExecutionError) -> [String: ArrayType] {
    try check.check(feedTypes)
    let inference = try TypeInference(source.graph, sourceTable, feedTypes: feedTypes)
    if let (id, error) = inference.failures.first {
      throw ExecutionError(error, at: inference.graph[id].label)
    }
    var result: [String: ArrayType] = [:]
    for (value, type) in inference.types { result[inference.graph[value].name] = type }
    return result
  }

  /// The types of the fetches, where inference tells them, and the samples' rows in the matrix products
  /// that involve weights: how many each weight takes part in, on average.
  func shapes(for types: [ArrayType]) throws(ExecutionError) -> (fetches: [ArrayType?], rows: Int) {
    let feedTypes = Dictionary(zip(feeds, types)) { first, _ in first }
    let inference = try TypeInference(planned.graph, planned.table, feedTypes: feedTypes)
    var products = 0
    var weights = 0
    for (id, node) in planned.graph.nodes {
      guard let count = inference.multiplyAdds(of: id), count > 0 else { continue }
      let largest = node.inputs.lazy.compactMap { $0.flatMap { inference.values[$0]?.count } }.max()
      guard let largest, largest > 1 else { continue }
      products = saturatingSum(products, count)
      weights = saturatingSum(weights, largest)
    }
    return (planned.graph.outputs.map { inference.types[$0] }, weights > 0 ? products / weights : 0)
  }

  func plan(for types: [ArrayType]) throws(ExecutionError) -> Plan {
    try planned.plan(for: types, limit: options.byteLimit)
  }
}
