import RBAConvert

/// What `run` tells a person.
enum RunText {
  static func lines(_ report: RunReport) -> [String] {
    var lines = report.outputs.map(\.text)
    let sorted = report.secondsPerRun.sorted()
    let median = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    lines.append(
      "\(Format.significant(median)) s for \(report.batch) samples on \(report.threads) threads, "
        + "\(Format.scaled(report.peakBytes, unit: "B")) peak")
    if let passed = report.passed {
      let error = report.maxAbsoluteError.map(Format.significant) ?? "0"
      lines.append("\(passed ? "passed" : "FAILED"): largest error \(error)")
    }
    return lines
  }
}
