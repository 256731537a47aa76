import GraphIR
import Operators
import Tensors

/// A graph that is an attribute of a node, made to run by itself: what it reads from outside is an
/// input behind its own, or a constant of its own where the outer graph stores it.
struct Body: Sendable {
  /// Values of the outer graph that the body's last inputs are.
  let captures: [ValueID]
  let planned: PlannedGraph
  /// How many graphs stand inside one another, from this one on.
  private let height: Int

  /// Types are not inferred through more graphs inside one another: each is gone through several times
  /// for each time that the one around it is.
  private static let largestInferredHeight = 4

  /// - Parameter outer: the graph that the node stands in.
  /// - Throws: `GraphError` where a captured name is produced inside too.
  init(
    _ graph: Graph, in outer: Graph, _ model: Model, registry: OperatorRegistry
  ) throws(GraphError) {
    var graph = graph
    var captures: [ValueID] = []
    for name in graph.freeNames {
      guard let inner = graph.value(named: name), let value = outer.value(named: name) else {
        continue
      }
      if let constant = outer.constant(value), outer[value].producer != .input {
        try graph.addInitializer(inner, StoredTensor(constant))
      } else {
        try graph.addInput(inner, nil)
        captures.append(value)
      }
    }
    self.captures = captures
    let table = OperatorTable(graph, of: model, registry: registry)
    height = 1 + (table.bodies.values.joined().map(\.height).max() ?? 0)
    planned = PlannedGraph(graph, table)
  }

  /// Types of the outputs, and their contents where known.
  ///
  /// - Parameter captured: what is known of the captured values.
  func infer(_ inputs: [Operand?], captured: [Operand?]) -> [Operand?] {
    let outputs = planned.graph.outputs
    guard height <= Self.largestInferredHeight,
      let inference = try? TypeInference(
        planned.graph, planned.table, inputs: inputs + captured)
    else { return outputs.map { _ in nil } }
    return outputs.map { output in
      inference.types[output].map { Operand($0, value: inference.values[output]) }
    }
  }

  /// - Parameters:
  ///   - inputs: those that the node gives.
  ///   - captured: the captured values.
  func evaluate(
    _ inputs: [RuntimeValue], captured: [RuntimeValue], limit: Int, pool: MemoryPool,
    bodyRuns: BodyRuns
  ) throws(OperatorError) -> [RuntimeValue] {
    let expected = planned.graph.inputs.count - captures.count
    guard inputs.count == expected else {
      throw OperatorError(
        .arity, "expected a body of \(inputs.count) inputs, got one of \(expected)")
    }
    do throws(ExecutionError) {
      return try planned.evaluate(
        inputs + captured, limit: limit, pool: pool, bodyRuns: bodyRuns)
    } catch {
      throw OperatorError(
        error.code == .memoryLimit ? .tooLarge : .invalidValue, error.description)
    }
  }
}
