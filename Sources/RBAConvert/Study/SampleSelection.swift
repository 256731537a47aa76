import Execution
import Tensors

/// Some samples of a set, in their order there. Nothing is copied before it runs.
struct SampleSelection: Sendable {
  let samples: SampleSet
  let rows: [Int]

  var count: Int { rows.count }
  var feeds: [String: SampleRows] { samples.feeds.mapValues { SampleRows($0, rows: rows) } }
  var labels: [Int]? { samples.labels.map { labels in rows.map { labels[$0] } } }

  /// The first of them, at most `count`.
  func first(_ count: Int) -> SampleSelection {
    SampleSelection(samples: samples, rows: Array(rows.prefix(count)))
  }
}
