import RBAConvert

/// What `gather-stats` and `merge-stats` tell a person.
enum StatisticsText {
  static func lines(_ report: StatisticsReport) -> [String] {
    let samples = report.samples
    return [
      "samples: \(samples.fit) to fit on, \(samples.held) held out"
    ]
      + report.rows.indices.map { index in
        let rows = report.rows[index]
        return "stream \(index): \(report.pairs[index]) pairs of points over \(rows.fit) rows, "
          + "\(rows.held) held out"
      } + ["wrote \(report.output), \(report.bytes) bytes"]
  }
}
