import Execution
import GraphIR
import Operators
import Planning
import Tensors

/// How a model's samples run, and which of them stay together.
enum Batching: Sendable, Hashable {
  /// In any number, or in groups of a size that the model fixes: the executor sees to it.
  case groups(of: Int)
  /// So many at a time and no more: some value's first axis does not run over the samples, so that values
  /// of several runs cannot be joined.
  case pieces(of: Int)
  /// All at once: what a sample gives depends on the others.
  case whole

  /// Tries it out where declarations do not tell.
  ///
  /// - Throws: `Failure` where no value compared has a row for each sample.
  init(
    _ structure: ModelStructure, _ samples: SampleSet, _ inputs: [ModelInput],
    options: ExecutionOptions, path: String
  ) throws(Failure) {
    let graph = structure.graph
    let compared = structure.compared.map { graph[$0].name }
    let points = Set(structure.streams.flatMap(\.points)).map { graph[$0].name }
    let names = Array(Set(compared + points)).sorted()
    let fixed = inputs.fixedBatch
    if samples.count <= 1 {
      self = .groups(of: fixed ?? 1)
      return
    }
    do throws(ExecutionError) {
      let executor = try Executor(model: structure.model, fetches: names, options: options)
      if let fixed {
        self =
          try Self.scales(names, executor, samples, counts: [fixed])
          ? .groups(of: fixed) : .pieces(of: fixed)
        return
      }
      // Few samples tell as much as many.
      let few = samples.feeds.mapValues { $0.slice(0..<min($0.shape[0], 8)) }
      if try executor.batchSemantics(for: few) == .perSample {
        self = .groups(of: 1)
        return
      }
      if try Self.scales(names, executor, samples, counts: [2, 3]) {
        self = .whole
        return
      }
      for name in compared {
        if try Self.scales([name], executor, samples, counts: [2, 3]) {
          self = .pieces(of: 1)
          return
        }
      }
    } catch { throw Failure(error, in: path, on: samples) }
    let list = compared.map { "'\($0)'" }.joined(separator: ", ")
    throw Failure(
      .malformedInput, "\(path): no row for each sample in \(list)",
      notes: ["the first axis of inputs and outputs must run over the samples"])
  }

  /// Whether all values have one row for each sample, for every one of `counts`.
  private static func scales(
    _ names: [String], _ executor: Executor, _ samples: SampleSet, counts: [Int]
  ) throws(ExecutionError) -> Bool {
    for count in counts {
      let inferred = try executor.types(for: samples.feeds.mapValues { $0.type(rows: count) })
      guard names.allSatisfy({ inferred[$0]?.shape.first == count }) else { return false }
    }
    return true
  }

  /// How many samples the rows of a batch belong to, one after the other: those that only run together
  /// count as one.
  func separableSamples(in range: Range<Int>) -> Int {
    if case .pieces = self { 1 } else { range.count }
  }

  /// Samples that are fitted on, or held out, together.
  var group: Int {
    switch self {
    case .groups(let size), .pieces(let size): size
    case .whole: 1
    }
  }
}

extension Tensor {
  fileprivate func type(rows: Int) -> ArrayType {
    ArrayType(elementType, [rows] + shape.dropFirst())
  }
}

extension Batching {
  /// Runs samples as the model allows: `work` on the workers, with each batch and which of the samples
  /// it holds, `merge` in order.
  func forEachBatch<Result: Sendable>(
    of samples: SampleSelection, _ executor: Executor,
    work: @Sendable (MicroBatch, Range<Int>) throws -> Result, merge: (Result) throws -> Void
  ) throws {
    guard case .pieces(let size) = self else {
      return try executor.forEachMicroBatch(
        samples.feeds, work: { try work($0, $0.samples) }, merge: merge)
    }
    for start in Swift.stride(from: 0, to: samples.count, by: size) {
      let range = start..<min(start + size, samples.count)
      // The last of too few stands in for those that lack.
      let rows = (start..<start + size).map { samples.rows[min($0, range.upperBound - 1)] }
      let piece = SampleSelection(samples: samples.samples, rows: rows)
      try executor.forEachMicroBatch(piece.feeds, work: { try work($0, range) }, merge: merge)
    }
  }
}

extension Study {
  /// Runs samples as the model allows.
  func forEachBatch<Result: Sendable>(
    of samples: SampleSelection, _ executor: Executor,
    work: @Sendable (MicroBatch, Range<Int>) throws -> Result, merge: (Result) throws -> Void
  ) throws {
    try batching.forEachBatch(of: samples, executor, work: work, merge: merge)
  }
}
