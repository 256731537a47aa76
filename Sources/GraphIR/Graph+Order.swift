extension Graph {
  /// The nodes so that each stands behind those whose results it reads; those the file already has
  /// in such an order keep it.
  ///
  /// - Throws: `GraphError.cycle` if there is no such order.
  /// - Complexity: O(nodes + uses).
  package func topologicalOrder() throws(GraphError) -> [NodeID] {
    // Reads of each node that wait for another node's result.
    var missing = [Int](repeating: 0, count: nodeTable.count)
    for value in values {
      guard case .node? = value.producer else { continue }
      for user in value.users { missing[user.index] += 1 }
    }
    var isPassed = [Bool](repeating: false, count: nodeTable.count)
    var result: [NodeID] = []
    result.reserveCapacity(order.count)
    for next in order {
      isPassed[next.index] = true
      // What the results complete among the nodes passed before.
      var ready = missing[next.index] == 0 ? [next] : []
      while let id = ready.popLast() {
        result.append(id)
        for case let output? in self[id].outputs {
          for user in values[output.index].users {
            missing[user.index] -= 1
            if missing[user.index] == 0, isPassed[user.index] { ready.append(user) }
          }
        }
      }
    }
    guard result.count == order.count else {
      let id = order.first { missing[$0.index] > 0 }!
      throw GraphError(.cycle, "\(self[id].label) needs its own result")
    }
    return result
  }

  /// Nodes that any of `targets` needs and that do not lie before `sources`, in the graph's order.
  package func nodes(from sources: Set<ValueID>, to targets: [ValueID]) -> [NodeID] {
    var needed = Set<NodeID>()
    var stack = targets.filter { !sources.contains($0) }
    while let value = stack.popLast() {
      guard let id = producer(of: value), needed.insert(id).inserted else { continue }
      for read in self[id].inputs.compactMap(\.self) + captures(of: id)
      where !sources.contains(read) { stack.append(read) }
    }
    return order.filter(needed.contains)
  }

  /// Removes nodes whose results nothing reads, then initializers and declarations nothing refers to.
  ///
  /// - Returns: how many nodes and how many initializers went.
  @discardableResult
  package mutating func removeDeadParts() -> (nodes: Int, initializers: Int) {
    var removed = Set<NodeID>()
    for id in order.reversed() {
      guard self[id].outputs.allSatisfy({ $0.map { self[$0].isUnused } ?? true }) else { continue }
      withdraw(id)
      removed.insert(id)
    }
    order.removeAll(where: removed.contains)
    let dead = initializers.filter { self[$0].isUnused && self[$0].producer == .initializer }
    for value in dead { removeInitializer(value) }
    declaredValues = declaredValues.filter { self[$0].producer != nil || !self[$0].isUnused }
    return (removed.count, dead.count)
  }

  /// Verifies that every value has one producer, every read value a producer, and that no node needs
  /// its own result.
  ///
  /// - Throws: `GraphError` naming the first fault.
  package func checkInvariants(captured: Set<String> = []) throws(GraphError) {
    for name in freeNames where !captured.contains(name) {
      let id = valuesByName[name]!
      let reader = self[id].users.first.map { self[$0].label } ?? "the list of outputs"
      throw GraphError(.danglingValue, "\(reader) reads '\(name)', which nothing produces")
    }
    _ = try topologicalOrder()
    let visible = captured.union(values.lazy.filter { $0.producer != nil }.map(\.name))
    for (_, node) in nodes {
      for attribute in node.attributes {
        for graph in attribute.graphs { try graph.checkInvariants(captured: visible) }
      }
    }
  }
}
