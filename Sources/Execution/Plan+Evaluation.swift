import Operators
import Tensors

extension Plan {
  /// Runs every step on the calling thread.
  ///
  /// - Parameter feeds: one tensor for each of the graph's inputs, of the planned types.
  /// - Returns: one tensor for each of the graph's outputs.
  func evaluate(_ feeds: [Tensor], pool: MemoryPool) throws(ExecutionError) -> [Tensor] {
    try pool.withArena(arenaByteCount) { (arena) throws(ExecutionError) in
      let results = resultByteCounts.map { pool.block($0) }
      var run = Run(self, feeds, arena, results, pool)
      defer { run.releaseSlots() }
      for step in steps { try run.perform(step) }
      withExtendedLifetime(feeds) {}
      return fetches.map { fetch in
        switch fetch {
        case .constant(let tensor): return tensor
        case .feed(let index): return feeds[index]
        case .slot(let slot): return run.slots[slot]!
        case .result(let index, let type):
          do throws(TensorError) {
            return try Tensor(
              type.elementType, shape: type.shape, region: ByteRegion(results[index]))
          } catch { preconditionFailure(error.message) }
        }
      }
    }
  }
}

/// The memory of one evaluation of a plan.
private struct Run {
  private let feeds: [UnsafeRawPointer]
  private let feedTensors: [Tensor]
  private let blocks: [UnsafeMutableRawPointer]
  private let pool: MemoryPool
  private let lateByteLimit: Int
  private var lateByteCount = 0
  var slots: [Tensor?]

  init(
    _ plan: Plan, _ feeds: [Tensor], _ arena: Arena, _ results: [ByteStorage], _ pool: MemoryPool
  ) {
    self.pool = pool
    lateByteLimit = plan.lateByteLimit
    self.feeds = feeds.map { Self.base(of: $0) }
    feedTensors = feeds
    blocks = plan.blocks.map { place in
      switch place {
      case .arena(let offset): arena.base + offset
      case .result(let index): UnsafeMutableRawPointer(mutating: results[index].bytes.baseAddress!)
      }
    }
    slots = [Tensor?](repeating: nil, count: plan.slotCount)
  }

  /// Where a buffer of no bytes starts.
  private static var nowhere: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bitPattern: 64)! }

  private static func base(of tensor: Tensor) -> UnsafeRawPointer {
    tensor.region.bytes.baseAddress ?? UnsafeRawPointer(nowhere)
  }

  private func base(of buffer: Buffer) -> UnsafeRawPointer {
    switch buffer {
    case .constant(let tensor): Self.base(of: tensor)
    case .feed(let index): feeds[index]
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
      case .late(let operation, let inputs, let targets):
        let copied = inputs.reduce(0) { saturatingSum($0, $1.map(byteCountOfCopy) ?? 0) }
        let rest = lateByteLimit - lateByteCount
        guard copied <= rest else { throw .tooLarge("its inputs", bytes: copied, allowed: rest) }
        pool.account(copied)
        defer { pool.account(-copied) }
        let results = try operation.evaluate(
          tensors: inputs.map { $0.map(tensor) }, maximumBytes: rest - copied)
        for (target, result) in zip(targets, results) {
          guard let target else { continue }
          pool.account(result.byteCount)
          lateByteCount += result.byteCount
          slots[target] = result
        }
      }
    } catch { throw ExecutionError(error, at: step.label) }
    for slot in step.lastUses { release(slot) }
  }

  private mutating func release(_ slot: Int) {
    let count = slots[slot]?.byteCount ?? 0
    pool.account(-count)
    lateByteCount -= count
    slots[slot] = nil
  }

  /// Takes what the run made while it went off the pool's account.
  func releaseSlots() { for case let tensor? in slots { pool.account(-tensor.byteCount) } }

  /// Bytes that `tensor(_:)` takes for the place.
  private func byteCountOfCopy(_ place: Place) -> Int {
    switch place.buffer {
    case .block: place.type.byteCount
    case .constant, .feed: place.layout.isContiguous ? 0 : place.type.byteCount
    case .slot: 0
    }
  }

  /// A tensor that stays valid whatever becomes of the arena.
  private func tensor(_ place: Place) -> Tensor {
    switch place.buffer {
    case .constant(let tensor): place.packed(from: tensor)
    case .slot(let index): slots[index]!
    case .feed(let index): place.packed(from: feedTensors[index])
    case .block: place.packed(at: base(of: place.buffer))
    }
  }
}
