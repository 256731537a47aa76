import Foundation
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

  /// Runs all samples and returns the fetches of all of them.
  ///
  /// - Throws: `ExecutionError`.
  package func run(_ feeds: [String: Tensor]) throws(ExecutionError) -> [String: Tensor] {
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
    _ feeds: [String: Tensor], work: @Sendable (MicroBatch) throws -> Result,
    merge: (Result) throws -> Void
  ) throws {
    let tensors = try arrangeSamples(feeds)
    let split = try split(tensors)
    let workers = OrderedWorkers(
      threads: max(options.threads ?? ProcessInfo.processInfo.activeProcessorCount, 1))
    try workers.forEach(
      split.ranges.count,
      work: { index in
        let samples = split.ranges[index]
        guard let size = split.groupSize else {
          return try work(
            MicroBatch(
              index: index, samples: samples, feeds: feeds, fetches: try evaluate(tensors)))
        }
        let part = tensors.map { $0.rows(samples, paddedTo: size) }
        var results = try evaluate(part)
        if samples.count < size {
          results = results.mapValues { $0.slice(0..<samples.count) }
        }
        let given = zip(self.feeds, tensors.map { $0.slice(samples) })
        return try work(
          MicroBatch(
            index: index, samples: samples, feeds: Dictionary(given) { first, _ in first },
            fetches: results))
      }, merge: merge)
  }

  /// How samples of these feeds may run together.
  package func batchSemantics(for feeds: [String: Tensor]) throws(ExecutionError) -> BatchSemantics
  {
    try semantics(of: try arrangeSamples(feeds))
  }

  // MARK: Splitting

  private struct Split: Sendable {
    var ranges: [Range<Int>]
    /// Samples that each evaluation takes at least; `nil` where everything runs at once.
    var groupSize: Int?
  }

  /// The feeds in order, where a fixed first axis may have any length.
  private func arrangeSamples(_ feeds: [String: Tensor]) throws(ExecutionError) -> [Tensor] {
    guard case .fixed(let size) = BatchSemantics(declared: self.feeds.map { feedTypes[$0] }) else {
      return try check.arrange(feeds)
    }
    let counts = Set(feeds.values.map { $0.shape.first ?? 0 })
    guard counts.count == 1, let count = counts.first, count > 0, count != size,
      feeds.values.allSatisfy({ ($0.elementType.bitWidth ?? 1) % 8 == 0 })
    else { return try check.arrange(feeds) }
    let group = feeds.mapValues { $0.rows(0..<min(size, count), paddedTo: size) }
    _ = try check.arrange(group)
    return self.feeds.map { feeds[$0]! }
  }

  private func split(_ tensors: [Tensor]) throws(ExecutionError) -> Split {
    let count = tensors.first?.shape.first ?? 1
    let size: Int
    switch try semantics(of: tensors) {
    case .whole: return Split(ranges: [0..<count], groupSize: nil)
    case .fixed(let group): size = group
    case .perSample: size = try microBatchSize(tensors, count)
    }
    let ranges = stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    if case .fixed = BatchSemantics(declared: feeds.map { feedTypes[$0] }) {
      return Split(ranges: ranges, groupSize: size)
    }
    return Split(ranges: ranges, groupSize: 1)
  }

  /// The power of two that comes nearest to the target of rows, or half of the samples if that is less.
  private func microBatchSize(_ tensors: [Tensor], _ count: Int) throws(ExecutionError) -> Int {
    let rows = max(try shapes(for: types(tensors, count: 1)).rows, 1)
    let ideal = min(max(Self.rowTarget / rows, 1), Self.largestMicroBatch)
    var size = 1
    while size * 2 <= Self.largestMicroBatch, size * 3 <= ideal * 2 { size *= 2 }
    return max(min(size, (count + 1) / 2), 1)
  }

  private func types(_ tensors: [Tensor], count: Int) -> [ArrayType] {
    tensors.map { ArrayType($0.elementType, [count] + $0.shape.dropFirst()) }
  }

  // MARK: Semantics

  private func semantics(of tensors: [Tensor]) throws(ExecutionError) -> BatchSemantics {
    let declared = BatchSemantics(declared: feeds.map { feedTypes[$0] })
    guard declared != .whole, let count = tensors.first?.shape.first, count > 0,
      tensors.allSatisfy({
        $0.shape.first == count && $0.strings == nil && ($0.elementType.bitWidth ?? 1) % 8 == 0
      })
    else { return .whole }
    let key = types(tensors, count: 1)
    if let known = semantics.withLock({ $0[key] }) { return known }
    let result: BatchSemantics
    switch declared {
    case .fixed(let size):
      guard count != size else { return .whole }
      result = try scales(tensors, sizes: [size]) ? declared : .whole
    default:
      guard count > 1 else { return .whole }
      result =
        try scales(tensors, sizes: [1, 2, 3])
        ? (isIndependent(tensors) ? .perSample : .whole) : .whole
    }
    semantics.withLock { $0[key] = result }
    return result
  }

  /// Whether each fetch has as many rows as there are samples, and is otherwise always the same shape.
  private func scales(_ tensors: [Tensor], sizes: [Int]) throws(ExecutionError) -> Bool {
    var rest: [ArrayType]?
    for size in sizes {
      var samples: [ArrayType] = []
      for type in try shapes(for: types(tensors, count: size)).fetches {
        guard let type, type.shape.first == size, type.elementType.bitWidth ?? 1 >= 8 else {
          return false
        }
        samples.append(ArrayType(type.elementType, Array(type.shape.dropFirst())))
      }
      if let rest, rest != samples { return false }
      rest = samples
    }
    return true
  }

  /// Whether two different samples give together what each gives alone.
  private func isIndependent(_ tensors: [Tensor]) throws(ExecutionError) -> Bool {
    let count = tensors[0].shape[0]
    let first = tensors.map { $0.slice(0..<1) }
    let other =
      (1..<count).first { index in
        zip(tensors, first).contains { !$0.slice(index..<index + 1).isIdentical(to: $1) }
      } ?? 1
    let second = tensors.map { $0.slice(other..<other + 1) }
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
