import Operators
import Synchronization
package import Tensors

/// A few samples that ran together, and what they gave.
package struct MicroBatch: Sendable {
  package let index: Int
  /// Which samples of the whole, along the first axis of the first input.
  package let samples: Range<Int>
  package let feeds: [String: Tensor]
  package let fetches: [String: Tensor]
}

extension Executor {
  /// The rows of a matrix product from which on BLAS is at its best.
  private static let rowTarget = 800
  private static let largestMicroBatch = 16
  /// Bytes that the fetches of a micro-batch may take, unless one sample takes more.
  private static let largestFetches = 32 << 20

  /// Runs all samples and returns the fetches of all of them.
  ///
  /// - Throws: `ExecutionError`.
  package func run(_ feeds: [String: Tensor]) throws(ExecutionError) -> [String: Tensor] {
    try run(samples: feeds.mapValues { SampleRows($0) })
  }

  /// Runs all samples and returns the fetches of all of them.
  ///
  /// - Throws: `ExecutionError`.
  package func run(
    samples feeds: [String: SampleRows]
  ) throws(ExecutionError) -> [String: Tensor] {
    var parts: [[String: Tensor]] = []
    do {
      try forEachMicroBatch(feeds, work: { $0.fetches }, merge: { parts.append($0) })
    } catch let error as ExecutionError { throw error } catch { preconditionFailure("\(error)") }
    guard parts.count > 1 else { return parts.first ?? [:] }
    var result: [String: Tensor] = [:]
    for name in fetches { result[name] = Tensor.concatenating(parts.map { $0[name]! }) }
    return result
  }

  /// Runs micro-batches on the workers and hands what they give to `work`, on the worker, and its
  /// results to `merge`, one at a time and in order. The results do not depend on the number of threads.
  ///
  /// - Throws: `ExecutionError`, or what `work` or `merge` throws.
  package func forEachMicroBatch<Result: Sendable>(
    _ feeds: [String: SampleRows], work: @Sendable (MicroBatch) throws -> Result,
    merge: (Result) throws -> Void
  ) throws {
    let samples = try arrangeSamples(feeds)
    let split = try split(samples)
    let workers = OrderedWorkers(threads: try affordableWorkers(samples, split))
    try workers.forEach(
      split.ranges.count,
      work: { index in
        let range = split.ranges[index]
        guard let size = split.groupSize else {
          let tensors = samples.map(\.all)
          return try work(
            MicroBatch(
              index: index, samples: range, feeds: named(tensors), fetches: try evaluate(tensors)))
        }
        let tensors = samples.map { $0.tensor(range, paddedTo: size) }
        var results = try evaluate(tensors)
        if range.count < size { results = results.mapValues { $0.slice(0..<range.count) } }
        return try work(
          MicroBatch(index: index, samples: range, feeds: named(tensors), fetches: results))
      }, merge: merge)
  }

  /// As many workers as may evaluate at once within the memory allowed.
  private func affordableWorkers(
    _ samples: [SampleRows], _ split: Split
  ) throws(ExecutionError) -> Int {
    guard let range = split.ranges.first, let size = split.groupSize else { return options.workers }
    let plan = try plan(for: samples.map { $0.type(count: max(size, range.count)) })
    return min(options.workers, max(options.byteLimit / max(plan.byteCount, 1), 1))
  }

  private func named(_ tensors: [Tensor]) -> [String: Tensor] {
    Dictionary(zip(feeds, tensors)) { first, _ in first }
  }

  /// How samples of these feeds may run together.
  package func batchSemantics(for feeds: [String: Tensor]) throws(ExecutionError) -> BatchSemantics
  {
    try semantics(of: try arrangeSamples(feeds.mapValues { SampleRows($0) }))
  }

  // MARK: Splitting

  private struct Split: Sendable {
    var ranges: [Range<Int>]
    /// Samples that each evaluation takes at least; `nil` where everything runs at once.
    var groupSize: Int?
  }

  /// The feeds in order, where a fixed first axis may have any length.
  private func arrangeSamples(
    _ feeds: [String: SampleRows]
  ) throws(ExecutionError) -> [SampleRows] {
    guard case .fixed(let size) = BatchSemantics(declared: self.feeds.map { feedTypes[$0] }),
      Set(feeds.values.map(\.count)).count == 1, let count = feeds.values.first?.count,
      count > 0, count != size, feeds.values.allSatisfy(\.areSeparable)
    else { return try check.arrange(feeds, types: feeds.mapValues(\.type)) }
    return try check.arrange(feeds, types: feeds.mapValues { $0.type(count: size) })
  }

  private func split(_ samples: [SampleRows]) throws(ExecutionError) -> Split {
    let count = samples.first?.count ?? 1
    let size: Int
    switch try semantics(of: samples) {
    case .whole: return Split(ranges: [0..<count], groupSize: nil)
    case .fixed(let group): size = group
    case .perSample: size = try microBatchSize(samples, count)
    }
    let ranges = stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    if case .fixed = BatchSemantics(declared: feeds.map { feedTypes[$0] }) {
      return Split(ranges: ranges, groupSize: size)
    }
    return Split(ranges: ranges, groupSize: 1)
  }

  /// The power of two that comes nearest to the target of rows, or half of the samples if that is less,
  /// or as many as what they return allows.
  private func microBatchSize(_ samples: [SampleRows], _ count: Int) throws(ExecutionError) -> Int {
    let shapes = try shapes(for: samples.map { $0.type(count: 1) })
    let ideal = min(max(Self.rowTarget / max(shapes.rows, 1), 1), Self.largestMicroBatch)
    let bytes = shapes.fetches.map { $0?.byteCount ?? 0 }
    let affordable = Self.largestFetches / max(bytes.reduce(0, +), 1)
    var size = 1
    while size * 2 <= Self.largestMicroBatch, size * 3 <= ideal * 2, size * 2 <= affordable {
      size *= 2
    }
    return max(min(size, (count + 1) / 2), 1)
  }

  // MARK: Semantics

  private func semantics(of samples: [SampleRows]) throws(ExecutionError) -> BatchSemantics {
    let declared = BatchSemantics(declared: feeds.map { feedTypes[$0] })
    guard declared != .whole, let count = samples.first?.count, count > 0,
      samples.allSatisfy({ $0.count == count && $0.areSeparable })
    else { return .whole }
    let key = samples.map { $0.type(count: 1) }
    if let known = semantics.withLock({ $0[key] }) { return known }
    let result: BatchSemantics
    switch declared {
    case .fixed(let size):
      guard count != size else { return .whole }
      result = try scales(samples, sizes: [size]) ? declared : .whole
    default:
      guard count > 1 else { return .whole }
      result =
        try scales(samples, sizes: [1, 2, 3])
        ? (isIndependent(samples) ? .perSample : .whole) : .whole
    }
    semantics.withLock { $0[key] = result }
    return result
  }

  /// Whether each fetch has as many rows as there are samples, and is otherwise always the same shape.
  private func scales(_ samples: [SampleRows], sizes: [Int]) throws(ExecutionError) -> Bool {
    var rest: [ArrayType]?
    for size in sizes {
      var types: [ArrayType] = []
      for type in try shapes(for: samples.map { $0.type(count: size) }).fetches {
        guard let type, type.shape.first == size, type.elementType.bitWidth ?? 1 >= 8 else {
          return false
        }
        types.append(ArrayType(type.elementType, Array(type.shape.dropFirst())))
      }
      if let rest, rest != types { return false }
      rest = types
    }
    return true
  }

  /// Whether two different samples give together what each gives alone.
  private func isIndependent(_ samples: [SampleRows]) throws(ExecutionError) -> Bool {
    let first = samples.map { $0.tensor(0..<1) }
    let other =
      (1..<samples[0].count).first { index in
        zip(samples, first).contains { !$0.tensor(index..<index + 1).isIdentical(to: $1) }
      } ?? 1
    let second = samples.map { $0.tensor(other..<other + 1) }
    let pair = zip(first, second).map { Tensor.concatenating([$0, $1]) }
    let (a, b) = (try evaluate(first), try evaluate(second))
    let together = try evaluate(pair)
    return fetches.allSatisfy { name in
      guard let both = together[name], let x = a[name], let y = b[name],
        both.shape.first == 2
      else { return false }
      return both.slice(0..<1).agrees(with: x) && both.slice(1..<2).agrees(with: y)
    }
  }
}
