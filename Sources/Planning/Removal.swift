package import GraphIR
import Tensors

/// What a graph no longer needs once one of its values is computed from another in a new way.
///
/// Exact: a weight that something else still reads stays, so it is not counted.
package struct Removal: Sendable {
  /// The nodes that go, in the graph's order.
  package let nodes: [NodeID]
  /// The initializers that go, by their place.
  package let initializers: [ValueID]
  /// Elements of the initializers and `Constant` tensors that go.
  package let parameters: Int
  /// Multiply-adds of the nodes that go.
  package let multiplyAdds: Int

  /// What goes when all readers of each span's `to` read a function of its `from` instead.
  package init(
    replacing spans: [(from: ValueID, to: ValueID)], in graph: Graph,
    multiplyAdds: (NodeID) -> Int
  ) {
    var uses: [ValueID: Int] = [:]
    func remaining(_ value: ValueID) -> Int {
      uses[value] ?? graph[value].users.count + graph[value].outputCount
    }
    for span in spans {
      for read in graph.readings(of: span.from) { uses[read] = remaining(read) + 1 }
    }
    let ends = Set(spans.map(\.to))
    // An end that starts the next span is read there by the replacement, not by name. Its count falls
    // below zero where the next span's nodes go first.
    for end in ends { uses[end] = 0 }

    var dead = Set<NodeID>()
    var (parameters, work) = (0, 0)
    var initializers: [ValueID] = []
    var pending = Array(ends)
    while let value = pending.popLast() {
      guard remaining(value) <= 0 else { continue }
      if let stored = graph.initializer(value), graph[value].producer == .initializer {
        parameters += stored.tensor.count
        initializers.append(value)
      }
      guard let id = graph.producer(of: value), !dead.contains(id),
        graph[id].outputs.allSatisfy({ $0.map { remaining($0) <= 0 } ?? true })
      else { continue }
      dead.insert(id)
      let (sum, overflow) = work.addingReportingOverflow(multiplyAdds(id))
      work = overflow ? .max : sum
      for attribute in graph[id].attributes {
        for inner in attribute.graphs { parameters += inner.parameterCount }
        if graph[id].is("Constant"), case .tensor(let stored) = attribute.value {
          parameters += stored.tensor.count
        }
      }
      for read in graph[id].inputs.compactMap(\.self) + graph.captures(of: id) {
        uses[read] = remaining(read) - 1
        if uses[read] == 0 { pending.append(read) }
      }
    }
    self.nodes = graph.order.filter(dead.contains)
    self.initializers = initializers.sorted()
    self.parameters = parameters
    self.multiplyAdds = work
  }
}
