import RBAConvert

/// What `verify` tells a person.
enum VerifyText {
  static func lines(_ report: VerifyReport) -> [String] {
    var table = Table([
      ("output", .left), ("relative error", .right), ("cosine", .right), ("largest error", .right),
      ("mean error", .right), ("top-1 agreement", .right), ("smallest tolerance", .right),
    ])
    for output in report.outputs {
      table.append([
        output.name, Format.significant(output.relativeError), Format.fixed(output.cosine, 6),
        Format.significant(output.maxAbsoluteError), Format.significant(output.meanAbsoluteError),
        output.top1Agreement.map { Format.fixed($0, 4) } ?? "",
        Format.significant(output.minimumTolerance),
      ])
    }
    var lines = table.lines
    if let accuracy = report.accuracy {
      lines.append("accuracy: \(Format.fixed(accuracy.a, 4)) and \(Format.fixed(accuracy.b, 4))")
    }
    if let first = report.firstDivergence { lines.append("the graphs part at '\(first)'") }
    lines.append("\(report.passed ? "passed" : "FAILED") on \(report.samples) samples")
    return lines
  }

  /// One output on one line.
  static func summary(_ output: OutputReport) -> String {
    var line =
      "  \(output.name): relative error \(Format.significant(output.relativeError)), "
      + "cosine \(Format.fixed(output.cosine, 5))"
    if let agreement = output.top1Agreement {
      line += ", top-1 agreement \(Format.fixed(agreement, 4))"
    }
    return line
  }
}
