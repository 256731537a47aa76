import GraphIR
import Operators
import Tensors

/// Decides how to run a graph on inputs of certain shapes.
///
/// Values that arithmetic on shapes decides become constants, operators that only look at memory in
/// another way become layouts, and every other result gets a block whose lifetime is known.
struct PlanBuilder {
  /// Bytes of the largest result that is computed while planning.
  private static let largestFold = 1 << 28

  private let graph: Graph
  private let table: OperatorTable
  private let inference: TypeInference
  private let limit: Int

  private var places: [ValueID: Place] = [:]
  private var packed: [ValueID: Place] = [:]
  private var steps: [Step] = []
  private var blockByteCounts: [Int] = []
  /// The types of what steps put into slots, where they are known.
  private var slotTypes: [ArrayType?] = []
  /// Bytes of constants that were made while planning.
  private var constantByteCount = 0

  private init(
    _ graph: Graph, _ table: OperatorTable, _ inference: TypeInference, limit: Int
  ) {
    self.graph = graph
    self.table = table
    self.inference = inference
    self.limit = limit
  }

  /// - Throws: `ExecutionError.operatorFailed` where a node refuses its inputs, `.memoryLimit` where the
  ///   arena would be larger than `limit` bytes.
  static func plan(
    _ graph: Graph, _ table: OperatorTable, inputTypes: [ArrayType?], limit: Int
  ) throws(ExecutionError) -> Plan {
    let inference = try TypeInference(
      graph, table, inputs: inputTypes.map { $0.map { Operand($0) } }, largestConstant: 1 << 16)
    if let (id, error) = inference.failures.first {
      throw ExecutionError(error, at: graph[id].label)
    }
    var builder = PlanBuilder(graph, table, inference, limit: limit)
    for (index, value) in graph.inputs.enumerated() {
      builder.places[value] =
        inputTypes[index].map { .whole(.feed(index), $0) } ?? .untyped(.feed(index))
    }
    do {
      for id in try graph.topologicalOrder() { try builder.add(id) }
    } catch let error as ExecutionError {
      throw error
    } catch {
      throw ExecutionError(.invalidGraph, "\(error)")
    }
    return try builder.finish()
  }

  // MARK: Nodes

  private mutating func add(_ id: NodeID) throws(ExecutionError) {
    let node = graph[id]
    let outputs = node.outputs.compactMap(\.self)
    if !outputs.isEmpty, outputs.allSatisfy({ inference.values[$0] != nil }) { return }
    guard let operation = table.operators[id] else { return }
    var inputs: [Place?] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      inputs.append(try place(of: input, for: node))
    }
    let types = outputs.compactMap { inference.types[$0] }
    let isSized =
      types.count == outputs.count && !(operation is any DataDependentOperator)
      && !(operation is any ControlFlowOperator)
    let operandTypes = types + inputs.compactMap { $0?.type }
    // Packed weights become whole numbers once, not in every run.
    if isSized, operandTypes.contains(where: \.elementType.isPacked),
      try fold(operation, node, inputs, types)
    {
      return
    }
    guard isSized, operandTypes.allSatisfy(Self.fillsBytes),
      let operands = inference.operands(of: node)
    else {
      return try addLate(operation, id, inputs)
    }
    if addViews(operation, node, inputs, operands) { return }
    if try fold(operation, node, inputs, types) { return }
    for (position, input) in inputs.enumerated() {
      guard let input, let value = node.inputs[position], !input.layout.isContiguous,
        !operation.acceptsStrides(input.layout, at: position)
      else { continue }
      inputs[position] = try pack(value, input, label: node.label)
    }
    let result: Inference
    do throws(OperatorError) { result = try operation.infer(operands) } catch {
      throw ExecutionError(error, at: node.label)
    }
    guard case .types(let inferred) = result else {
      return try addLate(operation, id, inputs)
    }
    for type in inferred where type.byteCount > limit {
      throw ExecutionError(
        .tooLarge("\(type)", bytes: type.byteCount, allowed: limit), at: node.label)
    }
    var targets: [(block: Int, type: ArrayType)] = []
    for (index, type) in inferred.enumerated() {
      let block = newBlock(type.byteCount)
      targets.append((block, type))
      guard index < node.outputs.count, let output = node.outputs[index] else { continue }
      places[output] = .whole(.block(block), type)
    }
    let scratchCount = operation.scratchByteCount(inputs.map { $0?.type }, inferred)
    let scratch = scratchCount > 0 ? (block: newBlock(scratchCount), byteCount: scratchCount) : nil
    steps.append(
      Step(
        work: .evaluate(operation, inputs: inputs, outputs: targets, scratch: scratch),
        label: node.label))
  }

  /// Whether elements take 1, 2, 4 or 8 bytes.
  private static func fillsBytes(_ type: ArrayType) -> Bool {
    switch type.elementType.bitWidth {
    case 8, 16, 32, 64: true
    default: false
    }
  }

  private func place(of value: ValueID) -> Place? {
    if let known = places[value] { return known }
    return inference.values[value].map { .whole(.constant($0), ArrayType($0)) }
  }

  private func place(of value: ValueID, for node: Node) throws(ExecutionError) -> Place {
    if let place = place(of: value) { return place }
    throw ExecutionError(
      .unknownShape, place: node.label, "input '\(graph[value].name)' has no known type")
  }

  private mutating func newBlock(_ byteCount: Int) -> Int {
    blockByteCounts.append(byteCount)
    return blockByteCounts.count - 1
  }

  private mutating func addViews(
    _ operation: any Operator, _ node: Node, _ inputs: [Place?], _ operands: [Operand?]
  ) -> Bool {
    guard let operation = operation as? any ViewOperator, let base = inputs.first ?? nil,
      let layouts = operation.views(of: base.layout, operands)
    else { return false }
    for (output, layout) in zip(node.outputs, layouts) {
      guard let output else { continue }
      places[output] = Place(buffer: base.buffer, elementType: base.elementType, layout: layout)
    }
    return true
  }

  /// Evaluates a node of constants now.
  private mutating func fold(
    _ operation: any Operator, _ node: Node, _ inputs: [Place?], _ types: [ArrayType]
  ) throws(ExecutionError) -> Bool {
    let byteCounts = types.map(\.byteCount)
    guard operation.isDeterministic, byteCounts.allSatisfy({ $0 <= Self.largestFold }),
      byteCounts.reduce(constantByteCount, saturatingSum) <= limit
    else { return false }
    // Nothing is packed before it is known that all inputs are constant, and what that takes.
    guard inputs.allSatisfy({ $0?.isConstant ?? true }) else { return false }
    let copied = inputs.reduce(0) { saturatingSum($0, $1?.packedByteCount ?? 0) }
    guard copied <= Self.largestFold else { return false }
    let tensors = inputs.map { input -> Tensor? in
      guard let input, case .constant(let tensor) = input.buffer else { return nil }
      return input.packed(from: tensor)
    }
    constantByteCount = byteCounts.reduce(constantByteCount, +)
    do throws(OperatorError) {
      let results = try operation.evaluate(tensors: tensors, maximumBytes: limit)
      for (output, tensor) in zip(node.outputs, results) {
        guard let output else { continue }
        places[output] = .whole(.constant(tensor), ArrayType(tensor))
      }
    } catch { throw ExecutionError(error, at: node.label) }
    return true
  }

  /// Puts off to the run what the run alone can size. Steps behind it are planned where inference knows
  /// what it gives.
  private mutating func addLate(
    _ operation: any Operator, _ id: NodeID, _ inputs: [Place?]
  ) throws(ExecutionError) {
    let node = graph[id]
    var bodies: [BoundBody] = []
    for body in table.bodies[id] ?? [] {
      var captures: [Place] = []
      for value in body.captures { captures.append(try place(of: value, for: node)) }
      bodies.append(BoundBody(body: body, captures: captures))
    }
    var slots: [Slot?] = []
    for output in node.outputs {
      guard let output else {
        slots.append(nil)
        continue
      }
      let type = inference.types[output].flatMap { Self.fillsBytes($0) ? $0 : nil }
      let slot = slotTypes.count
      slotTypes.append(type)
      slots.append(Slot(index: slot, type: type))
      places[output] = type.map { .whole(.slot(slot), $0) } ?? .untyped(.slot(slot))
    }
    steps.append(
      Step(
        work: .late(operation, inputs: inputs, bodies: bodies, outputs: slots), label: node.label))
  }

  /// The value packed, by a step of its own or, for a constant, now.
  private mutating func pack(
    _ value: ValueID, _ place: Place, label: String
  ) throws(ExecutionError) -> Place {
    if let known = packed[value] { return known }
    let layout = Layout(contiguous: place.layout.shape)
    let result: Place
    if case .constant(let tensor) = place.buffer {
      result = Place(
        buffer: .constant(try packedConstant(place, tensor, label)), elementType: place.elementType,
        layout: layout)
    } else {
      let block = newBlock(place.type.byteCount)
      steps.append(Step(work: .copy(place, block: block), label: label))
      result = Place(buffer: .block(block), elementType: place.elementType, layout: layout)
    }
    packed[value] = result
    return result
  }

  /// The elements of a constant as they lie in `place`, packed.
  private mutating func packedConstant(
    _ place: Place, _ tensor: Tensor, _ label: String
  ) throws(ExecutionError) -> Tensor {
    let rest = limit - constantByteCount
    guard place.packedByteCount <= rest else {
      throw ExecutionError(
        .tooLarge("\(place.type)", bytes: place.packedByteCount, allowed: rest), at: label)
    }
    constantByteCount += place.packedByteCount
    return place.packed(from: tensor)
  }

  // MARK: Memory

  private mutating func finish() throws(ExecutionError) -> Plan {
    var fetches: [Fetch] = []
    var resultOfBlock: [Int: Int] = [:]
    var resultByteCounts: [Int] = []
    for value in graph.outputs {
      guard let place = place(of: value) else {
        throw ExecutionError(.unknownShape, "fetch '\(graph[value].name)' has no known type")
      }
      switch place.buffer {
      case .constant(let tensor):
        let label = graph.producer(of: value).map { graph[$0].label } ?? graph[value].name
        fetches.append(.constant(try packedConstant(place, tensor, label)))
        continue
      case .feed(let index)
      where place.layout.isContiguous
        && place.layout.count == inference.types[graph.inputs[index]]?.count
        && place.layout.shape == inference.types[graph.inputs[index]]?.shape:
        fetches.append(.feed(index))
        continue
      case .feed(let index) where place.elementType == .undefined:
        fetches.append(.feed(index))
        continue
      case .slot(let slot)
      where place.elementType == .undefined
        || (place.type == slotTypes[slot] && place.layout == Layout(contiguous: place.type.shape)):
        fetches.append(.slot(slot))
        continue
      default: break
      }
      var block: Int
      if case .block(let own) = place.buffer, place.layout.isContiguous, place.layout.offset == 0,
        blockByteCounts[own] == place.type.byteCount, resultOfBlock[own] == nil
      {
        block = own
      } else {
        block = newBlock(place.type.byteCount)
        steps.append(Step(work: .copy(place, block: block), label: graph[value].name))
      }
      resultOfBlock[block] = resultByteCounts.count
      fetches.append(.result(resultByteCounts.count, place.type))
      resultByteCounts.append(place.type.byteCount)
    }
    let (blocks, arenaByteCount) = try layOut(resultOfBlock, resultByteCounts)
    releaseSlots(fetches)
    return Plan(
      steps: steps, blocks: blocks, resultByteCounts: resultByteCounts, slotCount: slotTypes.count,
      arenaByteCount: arenaByteCount, constantByteCount: constantByteCount, fetches: fetches)
  }

  private func layOut(
    _ resultOfBlock: [Int: Int], _ resultByteCounts: [Int]
  ) throws(ExecutionError) -> ([BlockPlace], Int) {
    var lifetimes = BlockLifetimes(steps, blockByteCounts, results: Set(resultOfBlock.keys))
    lifetimes.shareOverwritten(in: steps)
    var results: [Int: Int] = [:]
    for (block, result) in resultOfBlock { results[lifetimes.root(of: block)] = result }
    let roots = blockByteCounts.indices.filter {
      lifetimes.root(of: $0) == $0 && results[$0] == nil
    }
    var resultTotal = constantByteCount
    for count in resultByteCounts {
      let (sum, overflow) = resultTotal.addingReportingOverflow(count)
      guard !overflow, sum <= limit else { throw tooLarge() }
      resultTotal = sum
    }
    guard let arena = ArenaLayout(roots.map(lifetimes.request), limit: limit - resultTotal) else {
      throw tooLarge()
    }
    let offsets = Dictionary(uniqueKeysWithValues: zip(roots, arena.offsets))
    let places = blockByteCounts.indices.map { block -> BlockPlace in
      let root = lifetimes.root(of: block)
      return results[root].map { .result($0) } ?? .arena(offset: offsets[root]!)
    }
    return (places, arena.byteCount)
  }

  /// Names the node that asks for most.
  private func tooLarge() -> ExecutionError {
    var largest: (label: String, byteCount: Int)?
    for step in steps {
      let counts: [Int]
      switch step.work {
      case .evaluate(_, _, let outputs, let scratch):
        counts = outputs.map(\.type.byteCount) + [scratch?.byteCount ?? 0]
      case .copy(let place, _): counts = [place.type.byteCount]
      case .late: counts = []
      }
      let total = counts.reduce(0, saturatingSum)
      if total > largest?.byteCount ?? 0 { largest = (step.label, total) }
    }
    return ExecutionError(
      .memoryLimit, place: largest?.label ?? "",
      "intermediate results need more than the \(limit) bytes allowed; "
        + "most, \(largest?.byteCount ?? 0), are this node's")
  }

  private mutating func releaseSlots(_ fetches: [Fetch]) {
    var seen = Set<Int>()
    for case .slot(let slot) in fetches { seen.insert(slot) }
    for index in steps.indices.reversed() {
      var used: [Int] = []
      if case .late(_, _, _, let outputs) = steps[index].work {
        used = outputs.compactMap { $0?.index }
      }
      for place in steps[index].reads {
        if case .slot(let slot) = place.buffer { used.append(slot) }
      }
      for slot in used where seen.insert(slot).inserted { steps[index].lastUses.append(slot) }
    }
  }
}
