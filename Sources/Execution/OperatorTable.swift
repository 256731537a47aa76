import GraphIR
import Operators

/// The operators of a graph's nodes, and those nodes that have none.
struct OperatorTable: Sendable {
  private(set) var operators: [NodeID: any Operator] = [:]
  /// How many nodes use each operator that has no implementation.
  private(set) var unsupported: [String: Int] = [:]
  /// Nodes whose attributes or arity their operator refuses.
  private(set) var failures: [(node: NodeID, error: OperatorError)] = []

  init(_ model: Model, registry: OperatorRegistry) {
    for (id, node) in model.graph.nodes {
      let domain = node.canonicalDomain
      let opset = model.opset(of: domain) ?? 1
      let name = domain.isEmpty ? node.operatorType : "\(domain)::\(node.operatorType)"
      guard registry.type(domain: domain, name: node.operatorType, opset: opset) != nil else {
        unsupported["\(name) (opset \(opset))", default: 0] += 1
        continue
      }
      do throws(OperatorError) {
        operators[id] = try registry.instantiate(node, opset: opset)
      } catch { failures.append((id, error)) }
    }
  }

  /// - Throws: `ExecutionError` that lists every unsupported operator, or the first refused node.
  func check(_ graph: Graph) throws(ExecutionError) {
    guard unsupported.isEmpty else {
      let list = unsupported.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { "\($0.value) × \($0.key)" }
      throw ExecutionError(
        .unsupportedOperators, "unsupported operators: \(list.joined(separator: ", "))")
    }
    if let (id, error) = failures.first {
      throw ExecutionError(
        error.code == .unsupported ? .unsupportedOperators : .operatorFailed,
        place: graph[id].label, error.message)
    }
  }
}
