/// Names by which graphs inside nodes read values from outside.
extension Graph {
  mutating func renameCapture(_ old: String, _ new: String, in node: NodeID) {
    nodeTable[node.index]!.mapGraphs { $0.renameFree(old, to: new) }
  }

  /// Renames a captured value. A value of the new name inside makes way, or is the same one if it is
  /// captured too.
  mutating func renameFree(_ old: String, to new: String) {
    guard let value = self.value(named: old), values[value.index].producer == nil else { return }
    if let inner = self.value(named: new), inner != value {
      guard values[inner.index].producer != nil else {
        redirect(value, to: inner)
        return moveOutputs(from: value, to: inner)
      }
      rename(inner, to: unusedName(new + "_inner"))
    }
    rename(value, to: new)
  }
}

extension Node {
  /// Changes each graph that an attribute holds.
  package mutating func mapGraphs<Failure: Error>(
    _ change: (inout Graph) throws(Failure) -> Void
  ) throws(Failure) {
    for index in attributes.indices {
      switch attributes[index].value {
      case .graph(var graph):
        try change(&graph)
        attributes[index].value = .graph(graph)
      case .graphs(var graphs):
        for position in graphs.indices { try change(&graphs[position]) }
        attributes[index].value = .graphs(graphs)
      default: continue
      }
    }
  }

  /// The node with other names for what its graphs capture, all at once.
  func renamingCaptures(_ names: [String: String]) -> Node {
    var result = self
    let steps = names.sorted { $0.key < $1.key }
    // First to names that nothing has: a new name may be another's old one.
    result.mapGraphs { graph in
      let passing = steps.indices.map { graph.unusedName("capture/\($0)") }
      for (step, name) in zip(steps, passing) { graph.renameFree(step.key, to: name) }
      for (step, name) in zip(steps, passing) { graph.renameFree(name, to: step.value) }
    }
    return result
  }
}

extension Graph {
  /// Changes each node in place, what graphs inside it capture excepted.
  package mutating func mapNodes<Failure: Error>(
    _ change: (inout Node) throws(Failure) -> Void
  ) throws(Failure) {
    for id in order { try change(&nodeTable[id.index]!) }
  }
}
