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
      let index = order.firstIndex { missing[$0.index] > 0 }!
      throw GraphError(
        .cycle, place: "node[\(index)]", "\(self[order[index]].label) needs its own result")
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

  /// Removes nodes whose results nothing reads, quantization annotations of what went with them,
  /// then initializers and declarations nothing refers to.
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
    func isGone(_ value: ValueID) -> Bool { self[value].producer == nil && self[value].isUnused }
    quantizationAnnotations = quantizationAnnotations.filter { annotation in
      annotation.tensorName.flatMap(value(named:)).map { !isGone($0) } ?? true
    }
    let kept = Set(quantizationAnnotations.flatMap(\.names).compactMap(value(named:)))
    let dead = (initializers + sparseInitializers).filter {
      self[$0].isUnused && self[$0].producer == .initializer && !kept.contains($0)
    }
    removeInitializers(dead)
    declaredValues = declaredValues.filter { !isGone($0.value) }
    return (removed.count, dead.count)
  }
}

extension QuantizationAnnotation {
  /// The tensors it speaks of.
  fileprivate var names: [String] {
    (tensorName.map { [$0] } ?? []) + parameters.compactMap(\.value)
  }
}
