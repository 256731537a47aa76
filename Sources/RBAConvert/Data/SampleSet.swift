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

  /// The part to fit on and the part that is never fitted on: of each run of 1 / `share` different groups
  /// one is held, so that data sorted by class splits evenly, and not always at the same place of the run,
  /// so that data whose classes take turns does. Equal groups go together, for what is fitted on tells
  /// nothing of samples that are held out.
  ///
  /// - Parameter group: samples that stay together.
  func split(
    holding share: Double, group: Int = 1
  ) -> (fit: SampleSelection, held: SampleSelection) {
    let group = max(group, 1)
    let kinds = kinds(group: group)
    let held = Self.held((kinds.max() ?? -1) + 1, share: share)
    let indices = Array(0..<count)
    return (
      SampleSelection(samples: self, rows: indices.filter { !held.contains(kinds[$0 / group]) }),
      SampleSelection(samples: self, rows: indices.filter { held.contains(kinds[$0 / group]) })
    )
  }

  /// Which of so many groups are held: one of each run, `share` of all, rounded down.
  ///
  /// Their places in the runs are multiples of the golden ratio modulo 1, which are evenly spread over any
  /// arithmetic progression of runs (Weyl 1916), whatever the period of the data.
  private static func held(_ count: Int, share: Double) -> Set<Int> {
    func runs(before index: Int) -> Int { Int((Double(index) * share).rounded(.down)) }
    let golden = (5.0.squareRoot() - 1) / 2
    var result: Set<Int> = []
    var start = 0
    for end in 1..<max(count + 1, 1) where runs(before: end) > result.count {
      let place = (Double(result.count) * golden).truncatingRemainder(dividingBy: 1)
      result.insert(end - 1 - Int(place * Double(end - start)))
      start = end
    }
    return result
  }

  /// A number for each group of samples, by first appearance: the same for equal ones.
  private func kinds(group: Int) -> [Int] {
    let tensors = feeds.sorted { $0.key < $1.key }.map(\.value)
    var known: [String: Int] = [:]
    return stride(from: 0, to: count, by: group).map { start in
      var digest = Digest()
      for tensor in tensors {
        digest.update(tensor.slice(start..<min(start + group, count)).region.bytes)
      }
      let key = digest.finish()
      let kind = known[key] ?? known.count
      known[key] = kind
      return kind
    }
  }

  /// How many samples differ from all others before them.
  var kindCount: Int { Set(kinds(group: 1)).count }

  /// The first samples to fit on, and the last, which are never fitted on.
  func splitInTwo(
    holding share: Double, atLeast least: Int = 1
  ) -> (fit: SampleSelection, held: SampleSelection) {
    let held = min(max(Int((Double(count) * share).rounded()), least), max(count - 1, 0))
    return (
      SampleSelection(samples: self, rows: Array(0..<count - held)),
      SampleSelection(samples: self, rows: Array(count - held..<count))
    )
  }
}
