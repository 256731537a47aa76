import Execution
import Operators
import Tensors

/// What the original gives on the held-out samples: kept where that is little, else made again each
/// time it is compared with, so that memory does not grow with their number.
struct HeldOutputs: Sendable {
  private let original: Executor
  private let kept: [String: Tensor]?
  private let count: Int

  /// Bytes that are kept at most.
  private static let largestKept = 32 << 20

  init(_ original: Executor, _ held: SampleSelection) throws(ExecutionError) {
    self.original = original
    count = held.count
    let types = try original.types(for: held.feeds.mapValues(\.type))
    let bytes = original.fetches.map { types[$0]?.byteCount ?? 0 }
    kept =
      bytes.allSatisfy({ $0 <= Self.largestKept / bytes.count })
      ? try original.run(samples: held.feeds) : nil
  }

  /// The outputs for a micro-batch of the held-out samples.
  func outputs(for batch: MicroBatch) throws(ExecutionError) -> [String: Tensor] {
    guard let kept else { return try original.evaluate(batch.feeds) }
    return kept.mapValues { tensor in
      tensor.shape.first == count && batch.samples.count < count
        ? tensor.slice(batch.samples) : tensor
    }
  }
}
