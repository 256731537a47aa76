import GraphIR
import Operators
import Tensors

extension Plan {
  /// Runs every step on the calling thread.
  ///
  /// - Parameters:
  ///   - feeds: one value for each of the graph's inputs, of the planned types.
  ///   - limit: bytes that everything may take, at least those that are planned.
  ///   - bodyRuns: counts the runs of bodies.
  /// - Returns: one value for each of the graph's outputs.
  func evaluate(
    _ feeds: [RuntimeValue], limit: Int, pool: MemoryPool, bodyRuns: BodyRuns
  ) throws(ExecutionError) -> [RuntimeValue] {
    try pool.withArena(arenaByteCount) { (arena) throws(ExecutionError) in
      let results = resultByteCounts.map { pool.block($0) }
      var run = Run(self, feeds, arena, results, pool, limit: limit, bodyRuns)
      defer { run.releaseSlots() }
      for step in steps { try run.perform(step) }
      withExtendedLifetime(feeds) {}
      return fetches.map { fetch in
        switch fetch {
        case .constant(let tensor): return .tensor(tensor)
        case .feed(let index): return feeds[index]
        case .slot(let slot): return run.slots[slot]!
        case .result(let index, let type):
          do throws(TensorError) {
            return .tensor(
              try Tensor(type.elementType, shape: type.shape, region: ByteRegion(results[index])))
          } catch { preconditionFailure(error.message) }
        }
      }
    }
  }
}

/// The memory of one evaluation of a plan.
private struct Run {
  private let feeds: [RuntimeValue]
  private let feedBases: [UnsafeRawPointer]
  private let blocks: [UnsafeMutableRawPointer]
  private let pool: MemoryPool
  private let bodyRuns: BodyRuns
  private let lateByteLimit: Int
  private var lateByteCount = 0
  var slots: [RuntimeValue?]

  init(
    _ plan: Plan, _ feeds: [RuntimeValue], _ arena: Arena, _ results: [ByteStorage],
    _ pool: MemoryPool, limit: Int, _ bodyRuns: BodyRuns
  ) {
    self.pool = pool
    self.bodyRuns = bodyRuns
    self.feeds = feeds
    lateByteLimit = limit - plan.plannedByteCount
    feedBases = feeds.map { Self.base(of: $0) }
    blocks = plan.blocks.map { place in
      switch place {
      case .arena(let offset): arena.base + offset
      case .result(let index): UnsafeMutableRawPointer(mutating: results[index].bytes.baseAddress!)
      }
    }
    slots = [RuntimeValue?](repeating: nil, count: plan.slotCount)
  }

  /// Where a buffer of no bytes starts.
  private static var nowhere: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bitPattern: 64)! }

  private static func base(of tensor: Tensor) -> UnsafeRawPointer {
    tensor.region.bytes.baseAddress ?? UnsafeRawPointer(nowhere)
  }

  private static func base(of value: RuntimeValue) -> UnsafeRawPointer {
    if case .tensor(let tensor) = value { base(of: tensor) } else { UnsafeRawPointer(nowhere) }
  }

  private func base(of buffer: Buffer) -> UnsafeRawPointer {
    switch buffer {
    case .constant(let tensor): Self.base(of: tensor)
    case .feed(let index): feedBases[index]
    case .block(let index): UnsafeRawPointer(blocks[index])
    case .slot(let index): Self.base(of: slots[index]!)
    }
  }

  mutating func perform(_ step: Step) throws(ExecutionError) {
    do throws(OperatorError) {
      switch step.work {
      case .evaluate(let operation, let inputs, let outputs, let scratch):
        try operation.evaluate(
          inputs.map { place in
            place.map { TensorView($0.elementType, $0.layout, in: base(of: $0.buffer)) }
          },
          outputs.map {
            MutableTensorView($0.type.elementType, $0.type.shape, in: blocks[$0.block])
          },
          scratch: UnsafeMutableRawBufferPointer(
            start: scratch.map { blocks[$0.block] } ?? Self.nowhere, count: scratch?.byteCount ?? 0)
        )
      case .copy(let place, let block):
        place.copy(from: base(of: place.buffer), to: blocks[block])
      case .late(let operation, let inputs, let bodies, let outputs):
        try performLate(operation, inputs, bodies, outputs)
      }
    } catch { throw ExecutionError(error, at: step.label) }
    for slot in step.lastUses { release(slot) }
  }

  private mutating func performLate(
    _ operation: any Operator, _ inputs: [Place?], _ bodies: [BoundBody], _ outputs: [Slot?]
  ) throws(OperatorError) {
    let copied = (inputs + bodies.flatMap(\.captures)).reduce(0) {
      saturatingSum($0, $1.map(byteCountOfCopy) ?? 0)
    }
    let rest = lateByteLimit - lateByteCount
    guard copied <= rest else { throw .tooLarge("its inputs", bytes: copied, allowed: rest) }
    pool.account(copied)
    defer { pool.account(-copied) }
    let results = try evaluateLate(
      operation, inputs.map { $0.map(value) }, bodies, maximumBytes: rest - copied)
    guard results.count >= outputs.count else {
      throw OperatorError(.arity, "expected \(outputs.count) results, got \(results.count)")
    }
    for (output, result) in zip(outputs, results) {
      guard let output else { continue }
      if let expected = output.type {
        let got = ArrayType(try result.tensor("output"))
        guard got == expected else {
          throw OperatorError(.shapeMismatch, "expected a result of \(expected), got \(got)")
        }
      }
      let (count, rest) = (result.byteCount, lateByteLimit - lateByteCount)
      guard count <= rest else { throw .tooLarge("the result", bytes: count, allowed: rest) }
      pool.account(count)
      lateByteCount += count
      slots[output.index] = result
    }
  }

  private func evaluateLate(
    _ operation: any Operator, _ inputs: [RuntimeValue?], _ bodies: [BoundBody], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    switch operation {
    case let operation as any ControlFlowOperator:
      let evaluations = bodies.map(bind)
      return try operation.evaluate(inputs, bodies: evaluations, maximumBytes: maximumBytes)
    case let operation as any ValueOperator:
      return try operation.evaluate(values: inputs, maximumBytes: maximumBytes)
    default:
      var tensors: [Tensor?] = []
      for (index, input) in inputs.enumerated() {
        tensors.append(try input?.tensor("input \(index)"))
      }
      return try operation.evaluate(tensors: tensors, maximumBytes: maximumBytes).map {
        .tensor($0)
      }
    }
  }

  private func bind(_ bound: BoundBody) -> BodyEvaluation {
    let captured = bound.captures.map(value)
    let (pool, bodyRuns) = (pool, bodyRuns)
    func evaluate(
      _ inputs: [RuntimeValue], maximumBytes: Int
    ) throws(OperatorError) -> [RuntimeValue] {
      try bodyRuns.countOne()
      return try bound.body.evaluate(
        inputs, captured: captured, limit: maximumBytes, pool: pool, bodyRuns: bodyRuns)
    }
    return evaluate
  }

  private mutating func release(_ slot: Int) {
    let count = slots[slot]?.byteCount ?? 0
    pool.account(-count)
    lateByteCount -= count
    slots[slot] = nil
  }

  /// Takes what the run made while it went off the pool's account.
  func releaseSlots() { for case let value? in slots { pool.account(-value.byteCount) } }

  /// Bytes that `value(_:)` copies for the place.
  private func byteCountOfCopy(_ place: Place) -> Int {
    switch place.buffer {
    case _ where place.elementType == .undefined: 0
    case .block: place.type.byteCount
    case .constant, .feed, .slot: place.layout.isContiguous ? 0 : place.type.byteCount
    }
  }

  /// The value there, which stays valid whatever becomes of the arena.
  private func value(_ place: Place) -> RuntimeValue {
    switch place.buffer {
    case .constant(let tensor): .tensor(place.packed(from: tensor))
    case .slot(let index): part(place, of: slots[index]!)
    case .feed(let index): part(place, of: feeds[index])
    case .block: .tensor(place.packed(at: base(of: place.buffer)))
    }
  }

  private func part(_ place: Place, of value: RuntimeValue) -> RuntimeValue {
    guard place.elementType != .undefined, case .tensor(let tensor) = value else { return value }
    return .tensor(place.packed(from: tensor))
  }
}
