import GraphIR
import Operators
import Synchronization
import Tensors

/// A graph that is planned once for each set of input types, and run by its plan.
final class PlannedGraph: Sendable {
  let graph: Graph
  let table: OperatorTable
  private let plans = Mutex<[CachedPlan]>([])

  private struct CachedPlan: Sendable {
    let types: [ArrayType?]
    let plan: Plan
  }

  /// Inputs of other types than the last few are planned anew.
  private static let planLimit = 4

  init(_ graph: Graph, _ table: OperatorTable) {
    self.graph = graph
    self.table = table
  }

  /// - Parameters:
  ///   - types: one for each of the graph's inputs; `nil` for one that is no tensor.
  ///   - limit: bytes that an evaluation may take, at least what the plan returned takes.
  func plan(for types: [ArrayType?], limit: Int) throws(ExecutionError) -> Plan {
    if let known = plans.withLock({ plans in
      plans.firstIndex { $0.types == types && $0.plan.plannedByteCount <= limit }.map { index in
        let entry = plans.remove(at: index)
        plans.append(entry)
        return entry.plan
      }
    }) {
      return known
    }
    let plan = try PlanBuilder.plan(graph, table, inputTypes: types, limit: limit)
    plans.withLock { plans in
      if plans.count >= Self.planLimit { plans.removeFirst() }
      plans.append(CachedPlan(types: types, plan: plan))
    }
    return plan
  }

  /// Runs the graph on the calling thread.
  ///
  /// - Parameters:
  ///   - inputs: one for each of the graph's inputs.
  ///   - bodyRuns: counts the runs of bodies, those of the graphs around this one too.
  /// - Returns: one value for each of the graph's outputs.
  func evaluate(
    _ inputs: [RuntimeValue], limit: Int, pool: MemoryPool, bodyRuns: BodyRuns = BodyRuns()
  ) throws(ExecutionError) -> [RuntimeValue] {
    let types = inputs.map { input -> ArrayType? in
      if case .tensor(let tensor) = input { ArrayType(tensor) } else { nil }
    }
    return try plan(for: types, limit: limit)
      .evaluate(inputs, limit: limit, pool: pool, bodyRuns: bodyRuns)
  }
}
