package import Tensors

/// An edit of a graph as a value: it can be printed and tested, and applies whole or not at all.
package struct GraphPatch: Sendable {
  /// The rule or purpose the edit serves, in kebab case.
  package let label: String
  private let valueCount: Int
  fileprivate var newValues: [(hint: String, type: ValueType?)] = []
  fileprivate var newInitializers: [(value: ValueID, tensor: StoredTensor)] = []
  fileprivate var insertions: [Insertion] = []

  fileprivate struct Insertion: Sendable {
    var node: Node
    var anchor: NodeID
    var captures: [String: ValueID]
  }

  fileprivate var replacements: [(old: ValueID, new: ValueID)] = []
  fileprivate var removals: [NodeID] = []

  /// An empty edit of `graph` as it is now.
  package init(_ label: String, of graph: Graph) {
    self.label = label
    self.valueCount = graph.values.count
  }

  /// A value to come, called `hint` or that with a number behind it.
  package mutating func newValue(_ hint: String, type: ValueType? = nil) -> ValueID {
    newValues.append((hint, type))
    return ValueID(valueCount + newValues.count - 1)
  }

  /// A new initializer.
  package mutating func addInitializer(_ hint: String, _ tensor: Tensor) -> ValueID {
    let value = newValue(hint)
    newInitializers.append((value, StoredTensor(tensor)))
    return value
  }

  /// Inserts `node` right before `anchor`, behind earlier insertions at the same anchor.
  ///
  /// - Parameter captures: the values that names mean which graphs inside the node read from outside;
  ///   other names are those of the graph's values.
  package mutating func insert(
    _ node: Node, before anchor: NodeID, capturing captures: [String: ValueID] = [:]
  ) {
    insertions.append(Insertion(node: node, anchor: anchor, captures: captures))
  }

  /// Makes every reader of `old` read `new`. A graph output keeps its name.
  package mutating func replace(_ old: ValueID, with new: ValueID) {
    replacements.append((old, new))
  }

  /// Removes a node; by then nothing may read its outputs.
  package mutating func remove(_ node: NodeID) { removals.append(node) }

  /// Whether the patch changes nothing.
  package var isEmpty: Bool {
    newInitializers.isEmpty && insertions.isEmpty && replacements.isEmpty && removals.isEmpty
  }

  fileprivate func fits(_ graph: Graph) -> Bool {
    graph.values.count == valueCount
      && insertions.allSatisfy { graph.contains($0.anchor) }
      && removals.allSatisfy { graph.contains($0) }
  }
}

extension Graph {
  /// Applies an edit whole, or throws and leaves the graph as it was.
  ///
  /// - Throws: `GraphError` if the patch was made for another state of the graph, removes what is
  ///   needed, or replaces an output by something that cannot take its name.
  package mutating func apply(_ patch: GraphPatch) throws(GraphError) {
    var copy = self
    try copy.applyInPlace(patch)
    self = copy
  }

  /// Applies an edit without a copy of the graph to fall back on: one that throws leaves it invalid.
  ///
  /// - Throws: `GraphError`, as `apply`.
  package mutating func applyInPlace(_ patch: GraphPatch) throws(GraphError) {
    guard patch.fits(self) else {
      throw GraphError(.stalePatch, "patch '\(patch.label)' was made for another graph")
    }
    try perform(patch)
  }

  private mutating func perform(_ patch: GraphPatch) throws(GraphError) {
    for (hint, type) in patch.newValues { _ = addValue(hint, type: type) }
    for (value, tensor) in patch.newInitializers { try addInitializer(value, tensor) }
    var inserted: [NodeID: [NodeID]] = [:]
    // Old producers go first: a new node may take over their outputs.
    let removed = Set(patch.removals)
    let removedNodes = patch.removals.map { self[$0] }
    for id in patch.removals { withdraw(id) }
    for insertion in patch.insertions {
      let names = insertion.captures.mapValues { self[$0].name }
      let node = names.isEmpty ? insertion.node : insertion.node.renamingCaptures(names)
      inserted[insertion.anchor, default: []].append(try enter(node))
    }
    for (old, new) in patch.replacements { try replaceUses(of: old, by: new) }
    if !inserted.isEmpty || !removed.isEmpty {
      var newOrder: [NodeID] = []
      newOrder.reserveCapacity(order.count + patch.insertions.count)
      for id in order {
        if let nodes = inserted[id] { newOrder += nodes }
        if !removed.contains(id) { newOrder.append(id) }
      }
      order = newOrder
    }
    for (id, node) in zip(patch.removals, removedNodes) {
      for case let output? in node.outputs
      where self[output].producer == nil && !self[output].isUnused {
        throw GraphError(
          .removedProducer,
          "patch '\(patch.label)' removes \(node.label) (\(id)), whose output "
            + "'\(self[output].name)' is still read")
      }
    }
  }

  private mutating func replaceUses(of old: ValueID, by new: ValueID) throws(GraphError) {
    guard old != new else { return }
    redirect(old, to: new)
    guard values[old.index].outputCount > 0 else { return }
    guard values[new.index].outputCount == 0, producer(of: new) != nil else {
      throw GraphError(
        .interfaceChanged,
        "output '\(self[old].name)' cannot be replaced by '\(self[new].name)', whose name must stay"
      )
    }
    exchangeNames(old, new)
    moveOutputs(from: old, to: new)
  }
}

extension GraphPatch: CustomStringConvertible {
  /// One line per edit, such as `+ MatMul(%4, %9) -> %10` or `%7 => %10`.
  package var description: String {
    func list(_ values: [ValueID?]) -> String {
      values.map { $0?.description ?? "_" }.joined(separator: ", ")
    }
    var lines = [label]
    lines += newInitializers.map {
      "  + \($0.value): \($0.tensor.tensor.elementType)\($0.tensor.tensor.shape)"
    }
    lines += insertions.map {
      "  + \($0.node.operatorType)(\(list($0.node.inputs))) -> \(list($0.node.outputs))"
    }
    lines += replacements.map { "  \($0.old) => \($0.new)" }
    lines += removals.map { "  - \($0)" }
    return lines.joined(separator: "\n")
  }
}
