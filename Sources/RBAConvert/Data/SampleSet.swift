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
    let kindCount = Set(kinds).count
    let held = Set(Int((Double(kindCount) * share).rounded(.down)).places(among: kindCount))
    let indices = Array(0..<count)
    return (
      SampleSelection(samples: self, rows: indices.filter { !held.contains(kinds[$0 / group]) }),
      SampleSelection(samples: self, rows: indices.filter { held.contains(kinds[$0 / group]) })
    )
  }

  /// A number for each group of samples, by first appearance: the same for equal ones.
  func kinds(group: Int = 1) -> [Int] {
    guard !isSingle else { return [0] }
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

  /// How many groups differ from all others before them.
  func kindCount(group: Int = 1) -> Int { Set(kinds(group: max(group, 1))).count }

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

extension Int {
  /// So many of `count` places, ascending: one of each of as many runs, evenly spread over data that is
  /// sorted and over data that repeats itself.
  ///
  /// The place in a run is a multiple of the golden ratio modulo 1: such are evenly spread over any
  /// arithmetic progression of runs (Weyl 1916), whatever the period of the data.
  func places(among count: Int) -> [Int] {
    let golden = (5.0.squareRoot() - 1) / 2
    let chosen = Swift.min(self, count)
    func start(_ run: Int) -> Int {
      chosen.dividingFullWidth(run.multipliedFullWidth(by: count)).quotient
    }
    return (0..<chosen).map { run in
      let end = start(run + 1)
      let place = (Double(run) * golden).truncatingRemainder(dividingBy: 1)
      return end - 1 - Int(place * Double(end - start(run)))
    }
  }
}
