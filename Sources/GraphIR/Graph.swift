package import Tensors

/// What gives a value its contents.
package enum Producer: Sendable, Hashable {
  case input
  case node(NodeID)
  case initializer
}

/// A named result: what nodes read and write.
package struct Value: Sendable {
  package fileprivate(set) var name: String
  package var declaration: ValueDeclaration?
  /// `nil` for a value captured from an enclosing graph.
  package fileprivate(set) var producer: Producer?
  /// Every node that reads the value, once for each time; nodes whose subgraphs capture it included.
  package fileprivate(set) var users: [NodeID] = []
  /// How many times the graph lists the value as an output.
  package fileprivate(set) var outputCount = 0

  /// Whether nothing reads the value.
  package var isUnused: Bool { users.isEmpty && outputCount == 0 }
}

/// A value that a graph declares beside its inputs and outputs.
package struct DeclaredValue: Sendable {
  package let value: ValueID
  /// What the graph says here, where it declares the value elsewhere too and otherwise.
  package let redeclaration: ValueDeclaration?
}

/// A computation graph as a value: copies share every tensor, and change only through patches.
///
/// Nodes stand in the order of the file. Values are told apart by `ValueID`; their names are what
/// the file and people call them.
package struct Graph: Sendable {
  package var name: String?
  package var docString: String?
  package var metadata: [MetadataEntry] = []
  package var preserved: [PreservedField] = []

  package internal(set) var values: [Value] = []
  package internal(set) var inputs: [ValueID] = []
  package internal(set) var outputs: [ValueID] = []
  /// Values with stored contents, in the order of the file.
  package internal(set) var initializers: [ValueID] = []
  /// Values that `value_info` declares, in the order of the file.
  package internal(set) var declaredValues: [DeclaredValue] = []
  /// What the list of outputs declares, by position, where that is not what the value's
  /// declaration says: it is an input too, or listed twice.
  package internal(set) var outputRedeclarations: [Int: ValueDeclaration] = [:]
  /// Values whose stored contents are sparse, in the order of the file.
  package internal(set) var sparseInitializers: [ValueID] = []
  package var quantizationAnnotations: [QuantizationAnnotation] = []
  /// The nodes' order.
  package internal(set) var order: [NodeID] = []

  var storedTensors: [ValueID: StoredTensor] = [:]
  var sparseTensors: [ValueID: SparseTensor] = [:]
  var nodeTable: [Node?] = []
  var capturesTable: [[ValueID]] = []
  var valuesByName: [ExactText: ValueID] = [:]

  package init(name: String? = nil) { self.name = name }
}

// MARK: Reading

extension Graph {
  package subscript(value: ValueID) -> Value { values[value.index] }

  /// The node `id` names, which must not have been removed.
  package subscript(node: NodeID) -> Node { nodeTable[node.index]! }

  /// The nodes with their identities, in order.
  package var nodes: some Sequence<(id: NodeID, node: Node)> {
    order.lazy.map { (id: $0, node: nodeTable[$0.index]!) }
  }

  /// Whether the node still stands in the graph.
  package func contains(_ node: NodeID) -> Bool {
    node.index < nodeTable.count && nodeTable[node.index] != nil
  }

  /// The value called `name`.
  package func value(named name: String) -> ValueID? { valuesByName[ExactText(name)] }

  /// The node that computes `value`, if one does.
  package func producer(of value: ValueID) -> NodeID? {
    if case .node(let id)? = values[value.index].producer { id } else { nil }
  }

  /// The only node that reads `value`, if exactly one does, once, and it is no graph output.
  package func onlyUser(of value: ValueID) -> NodeID? {
    let value = values[value.index]
    return value.users.count == 1 && value.outputCount == 0 ? value.users[0] : nil
  }

  /// The stored contents of an initializer.
  package func initializer(_ value: ValueID) -> StoredTensor? { storedTensors[value] }

  /// The stored contents of an initializer that is sparse.
  package func sparseInitializer(_ value: ValueID) -> SparseTensor? { sparseTensors[value] }

  /// The contents of `value` where the file gives them: an initializer, or a `Constant` node's tensor.
  package func constant(_ value: ValueID) -> Tensor? {
    if let stored = storedTensors[value] { return stored.tensor }
    guard let id = producer(of: value), self[id].is("Constant"),
      case .tensor(let stored)? = self[id][attribute: "value"]
    else { return nil }
    return stored.tensor
  }

  /// Values of this graph that subgraphs of `node` read.
  package func captures(of node: NodeID) -> [ValueID] { capturesTable[node.index] }

  /// Names that nodes or outputs read and nothing here produces: what a subgraph takes from outside.
  package var freeNames: [String] {
    values.filter { $0.producer == nil && !$0.isUnused }.map(\.name)
  }

  /// Elements in all initializers and Constant tensors, subgraphs included; the largest `Int` where
  /// that overflows, as tensors may share the bytes of one file.
  package var parameterCount: Int {
    var count = storedTensors.values.reduce(0) { saturatingSum($0, $1.tensor.count) }
    for sparse in sparseTensors.values { count = saturatingSum(count, sparse.values.tensor.count) }
    for (_, node) in nodes {
      for attribute in node.attributes {
        for graph in attribute.graphs { count = saturatingSum(count, graph.parameterCount) }
        if node.is("Constant"), case .tensor(let stored) = attribute.value {
          count = saturatingSum(count, stored.tensor.count)
        }
      }
    }
    return count
  }
}

extension Graph {
  /// The tensors stored anywhere in the graph.
  package var allStoredTensors: [StoredTensor] {
    initializers.compactMap { storedTensors[$0] }
      + sparseInitializers.flatMap { sparseTensors[$0]!.parts }
      + nodes.flatMap { $0.node.attributes.flatMap(\.storedTensors) }
  }
}

// MARK: Building

extension Graph {
  /// The value called `name`, entered into the table if it is new.
  package mutating func intern(_ name: String) -> ValueID {
    if let id = value(named: name) { return id }
    let id = ValueID(values.count)
    values.append(Value(name: name))
    valuesByName[ExactText(name)] = id
    return id
  }

  /// A new value called `hint`, or that with a number behind it where the name is taken.
  package mutating func addValue(_ hint: String, type: ValueType? = nil) -> ValueID {
    let id = intern(unusedName(hint))
    if let type { values[id.index].declaration = ValueDeclaration(type: type) }
    return id
  }

  func unusedName(_ hint: String) -> String {
    guard value(named: hint) != nil else { return hint }
    var number = 1
    while value(named: "\(hint)_\(number)") != nil { number += 1 }
    return "\(hint)_\(number)"
  }

  /// Declares a graph input.
  ///
  /// - Throws: `GraphError.duplicateProducer` if a node or another input produces the value.
  package mutating func addInput(
    _ value: ValueID, _ declaration: ValueDeclaration?
  ) throws(GraphError) {
    switch values[value.index].producer {
    case nil, .initializer: values[value.index].producer = .input
    case .input, .node: throw duplicate(value)
    }
    values[value.index].declaration = declaration
    inputs.append(value)
  }

  /// Declares a graph output.
  package mutating func addOutput(_ value: ValueID, _ declaration: ValueDeclaration?) {
    outputRedeclarations[outputs.count] = redeclare(value, declaration)
    values[value.index].outputCount += 1
    outputs.append(value)
  }

  /// Stores the contents of a value, which may also be an input whose default they then are.
  ///
  /// - Throws: `GraphError.duplicateProducer` if the value has contents or a node that computes it.
  package mutating func addInitializer(
    _ value: ValueID, _ tensor: StoredTensor
  ) throws(GraphError) {
    try addContents(to: value)
    storedTensors[value] = tensor
    initializers.append(value)
  }

  /// Stores the contents of a value as a sparse tensor.
  ///
  /// - Throws: `GraphError.duplicateProducer` if the value has contents or a node that computes it.
  package mutating func addSparseInitializer(
    _ value: ValueID, _ tensor: SparseTensor
  ) throws(GraphError) {
    try addContents(to: value)
    sparseTensors[value] = tensor
    sparseInitializers.append(value)
  }

  private mutating func addContents(to value: ValueID) throws(GraphError) {
    guard storedTensors[value] == nil, sparseTensors[value] == nil, producer(of: value) == nil
    else { throw duplicate(value) }
    if values[value.index].producer == nil { values[value.index].producer = .initializer }
  }

  /// Declares the type of a value inside the graph.
  package mutating func declare(_ value: ValueID, _ declaration: ValueDeclaration) {
    declaredValues.append(
      DeclaredValue(value: value, redeclaration: redeclare(value, declaration)))
  }

  /// Takes a declaration of a value; returns it where the value has another one already.
  private mutating func redeclare(
    _ value: ValueID, _ declaration: ValueDeclaration?
  ) -> ValueDeclaration? {
    guard let declaration, values[value.index].declaration != declaration else { return nil }
    guard values[value.index].declaration == nil else { return declaration }
    values[value.index].declaration = declaration
    return nil
  }

  /// Adds a node at the end.
  ///
  /// - Throws: `GraphError.duplicateProducer` if one of its outputs is produced already.
  @discardableResult
  package mutating func append(_ node: Node) throws(GraphError) -> NodeID {
    let id = try enter(node)
    order.append(id)
    return id
  }

  mutating func enter(_ node: Node) throws(GraphError) -> NodeID {
    let id = NodeID(nodeTable.count)
    for case let output? in node.outputs {
      guard values[output.index].producer == nil else { throw duplicate(output) }
      values[output.index].producer = .node(id)
    }
    var captures: [ValueID] = []
    var isCaptured = Set<ValueID>()
    for attribute in node.attributes {
      for graph in attribute.graphs {
        for name in graph.freeNames {
          let value = intern(name)
          if isCaptured.insert(value).inserted { captures.append(value) }
        }
      }
    }
    for case let input? in node.inputs { values[input.index].users.append(id) }
    for value in captures { values[value.index].users.append(id) }
    nodeTable.append(node)
    capturesTable.append(captures)
    return id
  }

  private func duplicate(_ value: ValueID) -> GraphError {
    GraphError(
      .duplicateProducer, "value '\(values[value.index].name.shown)' is produced more than once")
  }
}

// MARK: Changing, for patches

extension Graph {
  mutating func withdraw(_ id: NodeID) {
    let node = nodeTable[id.index]!
    for case let output? in node.outputs { values[output.index].producer = nil }
    for value in node.inputs.compactMap(\.self) + capturesTable[id.index] {
      removeUser(id, of: value)
    }
    nodeTable[id.index] = nil
    capturesTable[id.index] = []
  }

  private mutating func removeUser(_ id: NodeID, of value: ValueID) {
    if let position = values[value.index].users.firstIndex(of: id) {
      values[value.index].users.remove(at: position)
    }
  }

  /// Makes every node that reads `old` read `new`; graph outputs are left to the caller.
  mutating func redirect(_ old: ValueID, to new: ValueID) {
    let users = values[old.index].users
    values[old.index].users = []
    values[new.index].users += users
    for user in Set(users) {
      for index in nodeTable[user.index]!.inputs.indices
      where nodeTable[user.index]!.inputs[index] == old {
        nodeTable[user.index]!.inputs[index] = new
      }
      guard let capture = capturesTable[user.index].firstIndex(of: old) else { continue }
      renameCapture(values[old.index].name, values[new.index].name, in: user)
      capturesTable[user.index][capture] = new
    }
  }

  mutating func rename(_ value: ValueID, to name: String) {
    let old = values[value.index].name
    if self.value(named: old) == value { valuesByName[ExactText(old)] = nil }
    values[value.index].name = name
    valuesByName[ExactText(name)] = value
    for user in Set(values[value.index].users)
    where capturesTable[user.index].contains(value) { renameCapture(old, name, in: user) }
  }

  /// Exchanges the names and declarations of two values, so that an output keeps its name.
  mutating func exchangeNames(_ a: ValueID, _ b: ValueID) {
    let (nameA, nameB) = (values[a.index].name, values[b.index].name)
    rename(a, to: unusedName(nameB + "_exchange"))
    rename(b, to: nameA)
    rename(a, to: nameB)
    let declaration = values[a.index].declaration
    values[a.index].declaration = values[b.index].declaration
    values[b.index].declaration = declaration ?? values[b.index].declaration
  }

  mutating func moveOutputs(from old: ValueID, to new: ValueID) {
    for index in outputs.indices where outputs[index] == old {
      outputs[index] = new
      outputRedeclarations[index] = nil
    }
    values[new.index].outputCount += values[old.index].outputCount
    values[old.index].outputCount = 0
  }

  /// Removes the contents of values.
  mutating func removeInitializers(_ dead: [ValueID]) {
    for value in dead {
      storedTensors[value] = nil
      sparseTensors[value] = nil
      if values[value.index].producer == .initializer { values[value.index].producer = nil }
    }
    let removed = Set(dead)
    initializers.removeAll(where: removed.contains)
    sparseInitializers.removeAll(where: removed.contains)
  }
}
