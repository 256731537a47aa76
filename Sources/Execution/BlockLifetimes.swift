import Operators

/// When each planned block is needed, and which blocks share memory because one is written over another.
struct BlockLifetimes {
  private let byteCounts: [Int]
  private var firstStep: [Int]
  private var lastStep: [Int]
  private var parent: [Int]

  /// - Parameter results: blocks that outlive the run.
  init(_ steps: [Step], _ byteCounts: [Int], results: Set<Int>) {
    self.byteCounts = byteCounts
    firstStep = [Int](repeating: .max, count: byteCounts.count)
    lastStep = [Int](repeating: 0, count: byteCounts.count)
    parent = Array(byteCounts.indices)
    for (index, step) in steps.enumerated() {
      for block in step.blocks {
        firstStep[block] = min(firstStep[block], index)
        lastStep[block] = max(lastStep[block], index)
      }
    }
    for block in results { lastStep[block] = .max }
  }

  /// The block whose memory `block` is.
  func root(of block: Int) -> Int {
    var root = block
    while parent[root] != root { root = parent[root] }
    return root
  }

  private func reads(of own: Int, in inputs: [Place?]) -> Int {
    inputs.count { place in
      if case .block(let block)? = place?.buffer { root(of: block) == own } else { false }
    }
  }

  func request(_ root: Int) -> BlockRequest {
    BlockRequest(
      byteCount: byteCounts[root], firstStep: firstStep[root], lastStep: lastStep[root])
  }

  /// Lets first outputs take over the memory of an input that nothing reads later.
  mutating func shareOverwritten(in steps: [Step]) {
    for (index, step) in steps.enumerated() {
      guard case .evaluate(let operation, let inputs, let outputs, _) = step.work,
        let output = outputs.first
      else { continue }
      for position in operation.overwritableInputs where position < inputs.count {
        guard let input = inputs[position], case .block(let block) = input.buffer,
          input.layout.isContiguous, input.layout.offset == 0
        else { continue }
        let own = root(of: block)
        guard lastStep[own] == index, byteCounts[own] == output.type.byteCount,
          input.type.byteCount == output.type.byteCount, reads(of: own, in: inputs) == 1
        else { continue }
        parent[output.block] = own
        lastStep[own] = lastStep[output.block]
        break
      }
    }
  }
}

extension Step {
  /// Blocks that the step reads or writes.
  var blocks: [Int] {
    let read = reads.compactMap { place in
      if case .block(let block) = place.buffer { block } else { nil }
    }
    switch work {
    case .evaluate(_, _, let outputs, let scratch):
      return read + outputs.map(\.block) + (scratch.map { [$0.block] } ?? [])
    case .copy(_, let target): return read + [target]
    case .late: return read
    }
  }
}
