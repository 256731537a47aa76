import Execution
import Tensors

/// Some samples of a set, in their order there. Nothing is copied before it runs.
struct SampleSelection: Sendable {
  let samples: SampleSet
  let rows: [Int]

  var count: Int { rows.count }
  var feeds: [String: SampleRows] { samples.feeds.mapValues { SampleRows($0, rows: rows) } }
  var labels: [Int]? { samples.labels.map { labels in rows.map { labels[$0] } } }

  /// How many of them differ from all others before them.
  var kindCount: Int {
    let kinds = samples.kinds()
    return Set(rows.map { kinds[$0] }).count
  }

  /// Leaves out the samples that do not fill the last of several groups, where what a sample gives may
  /// depend on the others.
  ///
  /// - Returns: how many were left out.
  mutating func removeRemainder(_ batching: Batching) -> Int {
    guard case .pieces(let size) = batching, count > size else { return 0 }
    let remainder = count % size
    self = SampleSelection(samples: samples, rows: rows.dropLast(remainder))
    return remainder
  }

  /// At most `limit` of them, spread evenly.
  ///
  /// - Parameter group: samples that stay together, where so many are wanted at all.
  func spread(_ limit: Int, group: Int = 1) -> SampleSelection {
    guard limit < count else { return self }
    let (size, chosen) = (limit < group ? 1 : group, limit < group ? limit : limit / group)
    let rows = chosen.places(among: (count + size - 1) / size).flatMap { index in
      self.rows[index * size..<min((index + 1) * size, count)]
    }
    return SampleSelection(samples: samples, rows: rows)
  }
}
