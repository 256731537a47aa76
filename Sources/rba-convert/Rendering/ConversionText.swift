import RBAConvert

/// What `convert` and `analyze` tell a person.
enum ConversionText {
  static func lines(_ report: ConversionReport) -> [String] {
    var lines: [String] = []
    if !report.spans.isEmpty { lines += spans(report.spans) + [""] }
    lines += sizes(report) + [""]
    if report.schema.contains("analyze"), !report.frontier.isEmpty {
      lines += frontier(report) + [""]
    }
    if report.scores != nil { lines += ScoresText.lines(report) + [""] }
    lines += quality(report)
    if let output = report.output { lines.append("wrote \(output)") }
    return lines
  }

  private static func spans(_ spans: [ConversionReport.Span]) -> [String] {
    var table = Table([
      ("span", .left), ("form", .left), ("removed", .right), ("added", .right), ("R²", .right),
      ("output error", .right),
    ])
    for span in spans {
      table.append([
        span.label, span.form, Format.count(span.parametersRemoved),
        Format.count(span.parametersAdded), span.r2.map { Format.fixed($0, 4) } ?? "–",
        span.outputError.map(Format.significant) ?? "–",
      ])
    }
    return table.lines
  }

  private static func sizes(_ report: ConversionReport) -> [String] {
    var table = Table([("", .left), ("before", .right), ("after", .right), ("change", .right)])
    func row(_ name: String, _ pair: BeforeAfter, _ text: (Int) -> String) {
      table.append([name, text(pair.before), text(pair.after), change(pair)])
    }
    row("parameters", report.parameters, Format.count)
    row("multiply-adds", report.multiplyAdds) { Format.scaled($0) }
    row("file", report.bytes) { Format.scaled($0, unit: "B") }
    return table.lines
  }

  private static func change(_ pair: BeforeAfter) -> String {
    pair.before == pair.after ? "none" : "-" + Format.percent(pair.reduction)
  }

  private static func frontier(_ report: ConversionReport) -> [String] {
    var table = Table([
      ("pick", .right), ("parameters", .right), ("of", .right), ("predicted", .right),
      ("measured", .right), ("spans", .left),
    ])
    for (index, point) in report.frontier.enumerated() {
      table.append([
        index == 0 ? "" : String(index), Format.count(point.parameters),
        Format.percent(Double(point.parameters) / Double(max(report.parameters.before, 1))),
        point.predictedDamage.map(Format.significant) ?? "–",
        point.measuredDamage.map(Format.significant) ?? "",
        point.spans.isEmpty ? "none" : point.spans.joined(separator: ","),
      ])
    }
    return table.lines
  }

  private static func quality(_ report: ConversionReport) -> [String] {
    let calibration = report.calibration
    guard !report.spans.isEmpty else { return ["no span was replaced"] }
    var lines = [
      "measured on \(calibration.held) of \(calibration.samples) samples, held out:"
    ]
    if let accuracy = report.accuracy {
      lines.append(
        "  accuracy \(Format.fixed(accuracy.b, 4)), the original's is \(Format.fixed(accuracy.a, 4))"
      )
    }
    lines += report.outputs.map { VerifyText.summary($0) }
    let verdict = report.guard.passed ? "passed" : "FAILED"
    let limit =
      report.guard.limit.isFinite ? "limit \(Format.significant(report.guard.limit))" : "no limit"
    if report.guard.isSize {
      lines.append(
        "guard \(verdict): \(Int(report.guard.measured)) \(report.guard.metric), at most "
          + "\(Int(report.guard.limit)) asked for")
      return lines
    }
    lines.append(
      "guard \(verdict): \(report.guard.metric) \(Format.significant(report.guard.measured)), "
        + "\(limit); as many others stay within \(Format.significant(report.guard.bound)) 19 times of 20"
    )
    return lines
  }
}
