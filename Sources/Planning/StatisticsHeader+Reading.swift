import Statistics

extension StatisticsHeader {
  /// Widths and numbers of points beyond this are no residual stream's.
  private static let largestExtent = 1 << 24

  /// Reads a document, strictly: it has the members of its schema and no others.
  ///
  /// - Throws: `PlanError` with `.malformed` or `.unknownSchema`, and the place of the first fault.
  package init(json: [UInt8]) throws(PlanError) {
    let document = try JSONMember(document: json, schema: Self.currentSchema)
    try document.expectKeys(["schema", "model", "streams", "sources"])
    var streams: [Stream] = []
    for stream in try document["streams"].elements {
      streams.append(try Stream(stream, largestExtent: Self.largestExtent))
    }
    var sources: [Source] = []
    for source in try document["sources"].elements { sources.append(try Source(source)) }
    guard !sources.isEmpty else {
      throw PlanError(.malformed, path: "sources", "expected data, got none")
    }
    self.init(model: try document["model"].string, streams: streams, sources: sources)
  }
}

extension StatisticsHeader.Counts {
  fileprivate init(_ member: JSONMember) throws(PlanError) {
    try self.init(member, atLeast: 1)
  }

  fileprivate init(_ member: JSONMember, atLeast least: Int) throws(PlanError) {
    try member.expectKeys(["fit", "held"])
    let range = least...StatisticsHeader.largestCount
    self.init(
      fit: try member["fit"].integer(in: range), held: try member["held"].integer(in: range))
  }
}

extension StatisticsHeader.Source {
  fileprivate init(_ member: JSONMember) throws(PlanError) {
    try member.expectKeys(["name", "samples", "digest"])
    self.init(
      name: try member["name"].string,
      samples: try StatisticsHeader.Counts(try member["samples"]),
      digest: try member["digest"].string)
  }
}

extension StatisticsHeader.Stream {
  fileprivate init(_ member: JSONMember, largestExtent: Int) throws(PlanError) {
    try member.expectKeys([
      "points", "shape", "width", "pairs", "rows", "profiled", "means", "patches", "outliers",
    ])
    var points: [String] = []
    for point in try member["points"].elements { points.append(try point.string) }
    var shape: [Int] = []
    for extent in try member["shape"].elements { shape.append(try extent.count) }
    let width = try member["width"].integer(in: 1...largestExtent)
    guard shape.contains(width) else {
      throw PlanError(
        .malformed, path: try member["shape"].path,
        "expected one extent of \(width), the width, got \(shape)")
    }
    let pairs = try Self.pairs(try member["pairs"], pointCount: points.count)
    // Of a stream without pairs no rows are seen.
    let least = pairs.isEmpty ? 0 : 1
    let rows = try StatisticsHeader.Counts(try member["rows"], atLeast: least)
    func counts(_ key: String) throws(PlanError) -> StatisticsHeader.Counts? {
      guard let counts = try member.optional(key) else { return nil }
      return try StatisticsHeader.Counts(counts, atLeast: least)
    }
    var outliers: StatisticsHeader.Outliers?
    if let scale = try member.optional("outliers") {
      outliers = try StatisticsHeader.Outliers(scale, pointCount: points.count, rows: rows)
    }
    self.init(
      points: points, shape: shape, width: width, pairs: pairs, rows: rows,
      profiled: try StatisticsHeader.Counts(try member["profiled"], atLeast: least),
      means: try counts("means"), patches: try counts("patches"), outliers: outliers)
  }

  private static func pairs(
    _ member: JSONMember, pointCount: Int
  ) throws(PlanError) -> [PointPair] {
    var pairs: [PointPair] = []
    for pair in try member.elements {
      let ends = try pair.elements
      guard ends.count == 2, pointCount > 0 else {
        throw PlanError(
          .malformed, path: pair.path, "expected two of \(pointCount) points, got \(ends.count)")
      }
      let from = try ends[0].integer(in: 0...pointCount - 1)
      let to = try ends[1].integer(in: from...max(from, pointCount - 1))
      pairs.append(PointPair(from, to))
    }
    guard pairs == StreamMoments.kept(for: pairs).pairs else {
      throw PlanError(
        .malformed, path: member.path,
        "expected ascending pairs, each first point's with itself among them")
    }
    return pairs
  }
}

extension StatisticsHeader.Outliers {
  fileprivate init(
    _ member: JSONMember, pointCount: Int, rows: StatisticsHeader.Counts
  ) throws(PlanError) {
    try member.expectKeys(["medians", "weights"])
    var medians: [Double] = []
    let list = try member["medians"]
    for median in try list.elements {
      medians.append(try median.nonNegative(upTo: .greatestFiniteMagnitude))
    }
    guard medians.count == pointCount else {
      throw PlanError(
        .malformed, path: list.path,
        "expected a number for each of \(pointCount) points, got \(medians.count)")
    }
    let weights = try member["weights"]
    try weights.expectKeys(["fit", "held"])
    // Every row weighs something, and none more than 1.
    for (key, count) in [("fit", rows.fit), ("held", rows.held)] where count > 0 {
      let weight = try weights[key]
      guard try weight.number > 0 else {
        throw PlanError(
          .malformed, path: weight.path,
          "expected a number above 0, got \(try weight.number)")
      }
    }
    self.init(
      medians: medians,
      weights: StatisticsHeader.Weights(
        fit: try weights["fit"].nonNegative(upTo: Double(rows.fit)),
        held: try weights["held"].nonNegative(upTo: Double(rows.held))))
  }
}

extension JSONMember {
  /// A number from 0 to `largest`.
  fileprivate func nonNegative(upTo largest: Double) throws(PlanError) -> Double {
    let number = try number
    guard (0...largest).contains(number) else {
      throw PlanError(
        .malformed, path: path, "expected a number from 0 to \(largest), got \(number)")
    }
    return number
  }
}
