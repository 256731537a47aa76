import RBAConvert

/// What `analyze --scores` tells a person.
enum ScoresText {
  static func lines(_ report: ConversionReport) -> [String] {
    var table = Table([
      ("span", .left), ("block redundancy", .right), ("cosine", .right),
      ("angular distance", .right), ("linear CKA", .right),
    ])
    for span in report.scores ?? [] {
      table.append([
        span.label, Format.significant(span.blockRedundancy), Format.fixed(span.cosine, 4),
        Format.fixed(span.angularDistance, 4), Format.fixed(span.linearCKA, 4),
      ])
    }
    return table.lines
  }
}
