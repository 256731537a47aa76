package import GraphIR
package import Operators
package import Tensors

/// Concrete types of a graph's values for given inputs, and contents of those that arithmetic on shapes
/// decides, found without evaluating anything large.
///
/// Unsupported operators, refused inputs and results that only evaluation can size leave types unknown.
package struct TypeInference: Sendable {
  /// The graph looked at: the model's, with calls of its own functions inlined. Values keep their
  /// identities.
  package let graph: Graph
  package private(set) var types: [ValueID: ArrayType] = [:]
  /// Contents that are constant for these inputs.
  package private(set) var values: [ValueID: Tensor] = [:]
  /// Operators without implementation.
  package let unsupported: [UnsupportedOperator]
  /// Nodes that refuse their attributes or inputs, in order.
  package private(set) var failures: [(node: NodeID, error: OperatorError)]

  private let table: OperatorTable
  private let largestConstant: Int

  /// - Parameters:
  ///   - feedTypes: types by name; an input that is not among them has its declared type, if that is
  ///     concrete.
  ///   - largestConstant: elements of the largest result that is evaluated.
  /// - Throws: `ExecutionError.invalidGraph` where nodes need each other's results.
  package init(
    model: Model, feedTypes: [String: ArrayType], largestConstant: Int = 4096,
    registry: OperatorRegistry = .standard
  ) throws(ExecutionError) {
    let model = try model.inliningFunctions(registry: registry)
    try self.init(
      model.graph, OperatorTable(model, registry: registry), feedTypes: feedTypes,
      largestConstant: largestConstant)
  }

  /// - Parameter inputs: what is known of each of the graph's inputs.
  init(
    _ graph: Graph, _ table: OperatorTable, inputs: [Operand?], largestConstant: Int = 4096
  ) throws(ExecutionError) {
    var feeds: [String: Operand] = [:]
    for (value, input) in zip(graph.inputs, inputs) { feeds[graph[value].name] = input }
    // What is not known of an input is not what its declaration says: that may be wrong.
    try self.init(
      graph, table, feeds: feeds,
      unknown: Set(zip(graph.inputs, inputs).lazy.filter { $1 == nil }.map(\.0)),
      largestConstant: largestConstant)
  }

  init(
    _ graph: Graph, _ table: OperatorTable, feedTypes: [String: ArrayType],
    largestConstant: Int = 4096
  ) throws(ExecutionError) {
    try self.init(
      graph, table, feeds: feedTypes.mapValues { Operand($0) }, largestConstant: largestConstant)
  }

  private init(
    _ graph: Graph, _ table: OperatorTable, feeds: [String: Operand], unknown: Set<ValueID> = [],
    largestConstant: Int
  ) throws(ExecutionError) {
    self.graph = graph
    self.table = table
    self.unsupported = table.unsupported
    self.failures = table.failures
    self.largestConstant = largestConstant
    for value in graph.inputs where !unknown.contains(value) {
      if let declared = graph[value].declaration?.type?.tensor, let shape = declared.concreteShape {
        types[value] = ArrayType(declared.elementType, shape)
      }
    }
    for value in graph.initializers {
      guard let stored = graph.initializer(value) else { continue }
      set(value, ArrayType(stored.tensor), stored.tensor)
    }
    var fed = Set<ValueID>()
    for (name, feed) in feeds {
      guard let value = graph.value(named: name) else { continue }
      do throws(OperatorError) { types[value] = try feed.type.checked() } catch {
        throw ExecutionError(.feedTypeMismatch, "input '\(name)': \(error)")
      }
      values[value] = feed.value
      fed.insert(value)
    }
    let order: [NodeID]
    do { order = try graph.topologicalOrder() } catch {
      throw ExecutionError(.invalidGraph, error.message)
    }
    for id in order { visit(id, fed: fed) }
  }

  /// Multiply-adds that evaluating the node takes; `nil` where its types are unknown.
  package func multiplyAdds(of id: NodeID) -> Int? {
    guard let operation = table.operators[id] else { return nil }
    let node = graph[id]
    var inputs: [ArrayType?] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard let type = types[input] else { return nil }
      inputs.append(type)
    }
    var outputs: [ArrayType] = []
    for case let output? in node.outputs {
      guard let type = types[output] else { return nil }
      outputs.append(type)
    }
    return operation.multiplyAdds(inputs, outputs)
  }

  /// What is known of a node's inputs; `nil` where a type is not.
  func operands(of node: Node) -> [Operand?]? {
    var result: [Operand?] = []
    for input in node.inputs {
      guard let input else {
        result.append(nil)
        continue
      }
      guard let operand = operand(input) else { return nil }
      result.append(operand)
    }
    return result
  }

  private mutating func set(_ value: ValueID, _ type: ArrayType, _ contents: Tensor?) {
    types[value] = type
    if let contents { values[value] = contents }
  }

  private mutating func visit(_ id: NodeID, fed: Set<ValueID>) {
    let node = graph[id]
    if let output = node.outputs.first ?? nil, node.is("Constant"), !fed.contains(output),
      let tensor = graph.constant(output)
    {
      return set(output, ArrayType(tensor), tensor)
    }
    guard let operation = table.operators[id] else { return }
    if let control = operation as? any ControlFlowOperator {
      return visit(control, id, node, fed: fed)
    }
    guard let operands = operands(of: node) else { return }
    do throws(OperatorError) {
      if let results = try fold(operation, node, operands) {
        for (output, tensor) in zip(node.outputs, results) {
          if let output, !fed.contains(output) { set(output, ArrayType(tensor), tensor) }
        }
        return
      }
      guard !(operation is any DataDependentOperator),
        case .types(let types) = try operation.infer(operands)
      else { return }
      for (output, type) in zip(node.outputs, types) {
        let type = try type.checked()
        if let output, !fed.contains(output) { set(output, type, nil) }
      }
    } catch { failures.append((id, error)) }
  }

  /// Infers through the graphs that a node runs. What they cannot infer stays unknown: running tells.
  private mutating func visit(
    _ operation: any ControlFlowOperator, _ id: NodeID, _ node: Node, fed: Set<ValueID>
  ) {
    let inputs = node.inputs.map { $0.flatMap { operand($0) } }
    let bodies = (table.bodies[id] ?? []).map { body -> BodyInference in
      let captured = body.captures.map { operand($0) }
      return { body.infer($0, captured: captured) }
    }
    for (output, type) in zip(node.outputs, operation.infer(inputs, bodies: bodies)) {
      if let output, let type = try? type?.checked(), !fed.contains(output) {
        set(output, type, nil)
      }
    }
  }

  private func operand(_ value: ValueID) -> Operand? {
    types[value].map { Operand($0, value: values[value]) }
  }

  /// The results, where they are small and the inputs decide them.
  private func fold(
    _ operation: any Operator, _ node: Node, _ operands: [Operand?]
  ) throws(OperatorError) -> [Tensor]? {
    if node.is("Shape") || node.is("Size") { return try evaluateOnTypes(operation, operands) }
    guard operation.isDeterministic else { return nil }
    var inputs: [Tensor?] = []
    for operand in operands {
      guard let operand else {
        inputs.append(nil)
        continue
      }
      guard let value = operand.value, value.count <= largestConstant else { return nil }
      inputs.append(value)
    }
    if !(operation is any DataDependentOperator) {
      guard case .types(let types) = try operation.infer(operands) else { return nil }
      for type in types where try type.checked().count > largestConstant { return nil }
    }
    return try operation.evaluate(tensors: inputs)
  }

  /// The results of an operator that looks at its inputs' types only.
  private func evaluateOnTypes(
    _ operation: any Operator, _ operands: [Operand?]
  ) throws(OperatorError) -> [Tensor]? {
    guard case .types(let types) = try operation.infer(operands) else { return nil }
    let nowhere = UnsafeRawPointer(bitPattern: 64)!
    let inputs = operands.map { operand in
      operand.map {
        TensorView($0.type.elementType, Layout(contiguous: $0.type.shape), in: nowhere)
      }
    }
    var results: [Tensor] = []
    for type in types {
      guard type.count <= largestConstant else { return nil }
      let storage = ByteStorage.allocate(byteCount: type.byteCount) { _ in }
      let output = MutableTensorView(
        type.elementType, type.shape,
        in: UnsafeMutableRawPointer(mutating: storage.bytes.baseAddress!))
      try operation.evaluate(
        inputs, [output],
        scratch: UnsafeMutableRawBufferPointer(
          start: UnsafeMutableRawPointer(mutating: nowhere), count: 0))
      do throws(TensorError) {
        results.append(
          try Tensor(type.elementType, shape: type.shape, region: ByteRegion(storage)))
      } catch { throw OperatorError(.unsupported, error.message) }
    }
    return results
  }
}
