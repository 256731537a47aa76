import Execution
import Tensors

/// Samples to feed a model: one tensor per input, whose first axes run over the samples, or that are one
/// sample together.
struct SampleSet: Sendable {
  /// By input name.
  var feeds: [String: Tensor]
  /// One class per sample; never fed.
  var labels: [Int]?
  /// Where they come from, for reports.
  var source: String
  var isSynthetic: Bool
  /// Whether the tensors are one sample, as a model without a batch axis takes it.
  var isSingle = false

  var count: Int { isSingle ? 1 : feeds.values.first?.shape.first ?? 0 }

  /// Some of the samples, in the order given.
  func selecting(_ indices: [Int]) -> SampleSet {
    guard !isSingle else { return self }
    var result = self
    result.feeds = feeds.mapValues { $0.gathering(indices) }
    result.labels = labels.map { labels in indices.map { labels[$0] } }
    return result
  }

  /// The part to fit on and the part that is never fitted on: of any run of samples the same share is
  /// held, so that data sorted by class splits evenly.
  func split(holding share: Double) -> (fit: SampleSelection, held: SampleSelection) {
    func isHeld(_ index: Int) -> Bool {
      (Double(index + 1) * share).rounded(.down) > (Double(index) * share).rounded(.down)
    }
    let indices = Array(0..<count)
    return (
      SampleSelection(samples: self, rows: indices.filter { !isHeld($0) }),
      SampleSelection(samples: self, rows: indices.filter(isHeld))
    )
  }
}
