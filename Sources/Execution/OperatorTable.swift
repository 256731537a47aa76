import GraphIR
import Operators

/// An operator without implementation that a model uses.
package struct UnsupportedOperator: Sendable, Hashable {
  /// As `LSTM (opset 22)` or `com.example::Thing (opset 1)`.
  package let name: String
  /// How many nodes use it.
  package var count: Int
  /// The first of those nodes.
  package let place: String
}

extension [UnsupportedOperator] {
  private var mostFrequentFirst: [UnsupportedOperator] {
    sorted { ($1.count, $0.name) < ($0.count, $1.name) }
  }

  /// Adds uses of an operator to those known before.
  mutating func count(_ operation: UnsupportedOperator) {
    if let index = firstIndex(where: { $0.name == operation.name }) {
      self[index].count += operation.count
    } else {
      append(operation)
    }
  }

  /// One line that lists all of them with their counts.
  package var summary: String {
    let list = mostFrequentFirst.map { "\($0.count) × \($0.name)" }
    return "unsupported operators: \(list.joined(separator: ", "))"
  }

  /// A line for each that says where it stands.
  package var places: [String] { mostFrequentFirst.map { "\($0.name): first at \($0.place)" } }
}

/// The operators of a graph's nodes, and those nodes that have none.
struct OperatorTable: Sendable {
  private(set) var operators: [NodeID: any Operator] = [:]
  /// The graphs that nodes run, in the order that their operators name them.
  private(set) var bodies: [NodeID: [Body]] = [:]
  /// Every operator without implementation, those inside bodies included, in the order of their first
  /// nodes.
  private(set) var unsupported: [UnsupportedOperator] = []
  /// Nodes whose attributes or arity their operator refuses.
  private(set) var failures: [(node: NodeID, error: OperatorError)] = []

  init(_ model: Model, registry: OperatorRegistry) {
    self.init(model.graph, of: model, registry: registry)
  }

  /// - Parameter graph: the model's own, or one inside it.
  init(_ graph: Graph, of model: Model, registry: OperatorRegistry) {
    for (id, node) in graph.nodes {
      let domain = node.canonicalDomain
      let opset = model.opset(of: domain) ?? 1
      guard registry.type(domain: domain, name: node.operatorType, opset: opset) != nil else {
        unsupported.count(
          UnsupportedOperator(
            name: "\(node.qualifiedOperator) (opset \(opset))", count: 1, place: node.label))
        continue
      }
      do throws(OperatorError) {
        let operation = try registry.instantiate(node, opset: opset)
        if let control = operation as? any ControlFlowOperator {
          try addBodies(of: control, node, id, graph, model, registry)
        }
        operators[id] = operation
      } catch { failures.append((id, error)) }
    }
  }

  private mutating func addBodies(
    of operation: any ControlFlowOperator, _ node: Node, _ id: NodeID, _ graph: Graph,
    _ model: Model, _ registry: OperatorRegistry
  ) throws(OperatorError) {
    var found: [Body] = []
    for name in type(of: operation).bodyNames {
      guard case .graph(let inner)? = node[attribute: name] else {
        throw OperatorError(.invalidAttribute, "attribute '\(name)' is no graph")
      }
      let body: Body
      do throws(GraphError) {
        body = try Body(inner, in: graph, model, registry: registry)
      } catch { throw OperatorError(.invalidAttribute, "attribute '\(name)': \(error.message)") }
      let table = body.planned.table
      for operation in table.unsupported { unsupported.count(operation) }
      if let (inner, error) = table.failures.first {
        throw OperatorError(error.code, "\(body.planned.graph[inner].label): \(error.message)")
      }
      found.append(body)
    }
    bodies[id] = found
  }

  /// - Throws: `ExecutionError` that lists every unsupported operator, or the first refused node.
  func check(_ graph: Graph) throws(ExecutionError) {
    guard unsupported.isEmpty else {
      throw ExecutionError(
        .unsupportedOperators, unsupported.summary, notes: unsupported.places)
    }
    if let (id, error) = failures.first {
      throw ExecutionError(
        error.code == .unsupported ? .unsupportedOperators : .operatorFailed,
        place: graph[id].label, error.message)
    }
  }
}
