package import Tensors

extension Graph {
  /// Verifies that every read value has a producer and that no node needs its own result, subgraphs
  /// included. Names in `captured` may be read from outside.
  ///
  /// - Throws: `GraphError` with the place of the first fault.
  package func checkInvariants(captured: Set<ExactText> = []) throws(GraphError) {
    // What a subgraph reads from outside is a value of this graph too, so one look suffices.
    for value in values.indices where values[value].producer == nil && !values[value].isUnused {
      let name = values[value].name
      guard !captured.contains(ExactText(name)) else { continue }
      let reader = reader(of: ValueID(value))
      throw GraphError(
        .danglingValue, place: reader.place,
        "\(reader.label) reads '\(name.shown)', which nothing produces")
    }
    try checkOrder()
  }

  /// Verifies that no node of a subgraph computes a value called as one that is visible there.
  ///
  /// Inputs and initializers of a subgraph may be called as an outer value, which they then hide.
  /// Outer nodes are visible to the subgraphs of later ones.
  ///
  /// - Throws: `GraphError` with the place of the first fault.
  package func checkShadowing() throws(GraphError) { try checkShadowing(inside: []) }

  // MARK: Order

  private func checkOrder() throws(GraphError) {
    _ = try topologicalOrder()
    try forEachSubgraph { (_, graph) throws(GraphError) in try graph.checkOrder() }
  }

  /// Calls `body` with the subgraphs of nodes; an error it throws gets their place.
  private func forEachSubgraph(
    _ body: (Int, Graph) throws(GraphError) -> Void
  ) throws(GraphError) {
    for (index, id) in order.enumerated() {
      for (position, attribute) in self[id].attributes.enumerated() {
        for (place, graph) in attribute.placedGraphs {
          do { try body(index, graph) } catch {
            throw error.within("node[\(index)].attribute[\(position)].\(place)")
          }
        }
      }
    }
  }

  // MARK: Names

  /// A graph around another: what the node at `index` of its order sees.
  private struct Scope {
    let graph: Graph
    let positions: [Int]
    let index: Int

    func sees(_ name: String) -> Bool {
      guard let value = graph.value(named: name) else { return false }
      return switch graph[value].producer {
      case nil: false
      case .input, .initializer: true
      case .node(let id): positions[id.index] < index
      }
    }
  }

  private func checkShadowing(inside scopes: [Scope]) throws(GraphError) {
    if !scopes.isEmpty {
      for (index, id) in order.enumerated() {
        for case let output? in self[id].outputs {
          let name = self[output].name
          guard scopes.contains(where: { $0.sees(name) }) else { continue }
          throw GraphError(
            .shadowedValue, place: "node[\(index)]",
            "\(self[id].label) computes '\(name.shown)', which an outer value is called too")
        }
      }
    }
    var positions = [Int](repeating: 0, count: nodeTable.count)
    for (index, id) in order.enumerated() { positions[id.index] = index }
    try forEachSubgraph { (index, graph) throws(GraphError) in
      let scope = Scope(graph: self, positions: positions, index: index)
      try graph.checkShadowing(inside: scopes + [scope])
    }
  }

  // MARK: Places

  /// What reads `value`, however deep inside, and the words for it.
  private func reader(of value: ValueID) -> (place: String, label: String) {
    guard let id = values[value.index].users.first, let index = order.firstIndex(of: id) else {
      let index = outputs.firstIndex(of: value) ?? 0
      return ("output[\(index)]", "the list of outputs")
    }
    let place = "node[\(index)]"
    if self[id].inputs.contains(value) { return (place, self[id].label) }
    for (position, attribute) in self[id].attributes.enumerated() {
      for (part, graph) in attribute.placedGraphs {
        guard let inner = graph.value(named: values[value.index].name),
          graph[inner].producer == nil, !graph[inner].isUnused
        else { continue }
        let reader = graph.reader(of: inner)
        return ("\(place).attribute[\(position)].\(part).\(reader.place)", reader.label)
      }
    }
    return (place, self[id].label)
  }
}

extension Attribute {
  /// The graphs the attribute holds, each with its place in the attribute's message.
  fileprivate var placedGraphs: [(place: String, graph: Graph)] {
    switch value {
    case .graph(let graph): [("g", graph)]
    case .graphs(let graphs): graphs.enumerated().map { ("graphs[\($0)]", $1) }
    default: []
    }
  }
}
