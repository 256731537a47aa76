import Execution
import Operators
import Tensors

/// What the original gives on the held-out samples: kept where that is little, else made again each
/// time it is compared with, so that memory does not grow with their number.
struct HeldOutputs: Sendable {
  private let original: Executor
  private let kept: [String: Tensor]?
  private let count: Int
  /// Of each element over the held-out samples, by output; empty where the outputs are not kept.
  let means: [String: [Double]]

  /// Bytes that are kept at most.
  private static let largestKept = 32 << 20

  /// - Parameter group: bytes that the outputs of each group take, where that is known and groups can be
  ///   joined, and how many samples a group is.
  init(
    _ original: Executor, _ held: SampleSelection, group: (bytes: Int, size: Int)?
  ) throws(ExecutionError) {
    self.original = original
    count = held.count
    let groups = group.map { (held.count + $0.size - 1) / $0.size } ?? 0
    kept =
      group.map { $0.bytes <= Self.largestKept / max(groups, 1) } ?? false
      ? try original.run(samples: held.feeds) : nil
    means = kept?.compactMapValues(\.sampleMeans) ?? [:]
  }

  /// The outputs for a micro-batch of the held-out samples.
  func outputs(for batch: MicroBatch) throws(ExecutionError) -> [String: Tensor] {
    guard let kept else {
      // A group of fixed size was filled up; what that gives is no sample's.
      let rows = batch.feeds.values.first?.shape.first
      return try original.evaluate(batch.feeds).mapValues { tensor in
        tensor.shape.first == rows && batch.samples.count < rows ?? 0
          ? tensor.slice(0..<batch.samples.count) : tensor
      }
    }
    return kept.mapValues { tensor in
      tensor.shape.first == count && batch.samples.count < count
        ? tensor.slice(batch.samples) : tensor
    }
  }
}
