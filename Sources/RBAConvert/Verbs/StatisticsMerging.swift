import Planning
import Statistics
import Tensors

/// The statistics of all data from those of their shards: the verb `merge-stats`.
public struct StatisticsMerging: Sendable {
  /// The files to read; they are merged in this order.
  public var inputs: [String]
  /// The file to write.
  public var output: String
  /// Whether a file that stands there may be replaced.
  public var overwriting: Bool

  /// The work to do; nothing is read before `run`.
  public init(inputs: [String], output: String, overwriting: Bool) {
    self.inputs = inputs
    self.output = output
    self.overwriting = overwriting
  }

  /// Merges the pairs of points that all files hold.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> StatisticsReport {
    guard inputs.count > 1, let first = inputs.first else {
      throw Failure(.usage, "expected two statistics files or more, got \(inputs.count)")
    }
    try StatisticsFile.checkName(output)
    var files = InputFiles()
    for input in inputs { files.add(input, "a statistics file to merge") }
    try files.checkDistinct(output)
    try checkWritable(output, overwriting: overwriting)
    var header = try StatisticsFile(path: first).header
    var largest = header.pairCount
    var haveOneKind = true
    for path in inputs.dropFirst() {
      let other = try StatisticsFile(path: path).header
      largest = max(largest, other.pairCount)
      haveOneKind =
        haveOneKind && zip(header.streams, other.streams).allSatisfy { $0.kinds == $1.kinds }
      try header.add(other, path: path, first: first)
    }
    guard header.pairCount > 0 else {
      throw Failure(
        .malformedInput, "\(first): has no pair of points that all other files hold too")
    }
    if header.pairCount < largest {
      diagnostics.note(
        "\(header.pairCount) of \(largest) pairs of points are in all files; the others are left out"
      )
    }
    if !haveOneKind {
      diagnostics.note(
        "not all files hold what forms 'context' and 'convolution' are fitted to; what some lack is "
          + "left out")
    }
    header.sources.noteRepeats(diagnostics)
    try StatisticsFile.write(
      header, try records(of: header), to: output, overwriting: overwriting)
    return StatisticsReport(verb: "merge-stats", of: try StatisticsFile(path: output))
  }

  /// The merged moments; of the files only one is in memory besides.
  private func records(of header: StatisticsHeader) throws(Failure) -> [StreamRecord] {
    var records: [StreamRecord] = []
    for path in inputs {
      let file = try StatisticsFile(path: path)
      for (index, stream) in header.streams.enumerated() {
        let record = file.record(of: stream.pairs, stream: index, kinds: stream.kinds)
        if records.count == index {
          records.append(record)
        } else {
          records[index].merge(record)
        }
      }
    }
    return records
  }
}

extension [StatisticsHeader.Source] {
  /// Says which samples count more than once; or may, where others were fitted on of data called alike.
  fileprivate func noteRepeats(_ diagnostics: Diagnostics) {
    for (name, others) in Dictionary(grouping: self, by: \.name).sorted(by: { $0.key < $1.key }) {
      let count = Set(others.map(\.digest)).count
      guard count > 1 else { continue }
      diagnostics.note(
        "\(name): gathered from \(count) times, each time with other samples fitted on: what is "
          + "the same in them counts more than once, and may be both fitted on and held out")
    }
    var known: Set<String> = []
    for source in self where !known.insert(source.digest).inserted {
      diagnostics.note(
        "\(source.name): its samples were gathered before, so they count more than once")
    }
  }
}

extension StatisticsHeader {
  fileprivate var pairCount: Int { streams.reduce(0) { $0 + $1.pairs.count } }

  /// Takes in what another file says, and keeps the pairs that both hold.
  fileprivate mutating func add(
    _ other: StatisticsHeader, path: String, first: String
  ) throws(Failure) {
    guard other.model == model else {
      throw Failure(
        .malformedInput,
        "\(path): is of another model than \(first): expected '\(model)', got '\(other.model)'")
    }
    guard other.streams.count == streams.count else {
      throw Failure(
        .malformedInput,
        "\(path): expected \(streams.count) streams as in \(first), got \(other.streams.count)")
    }
    for index in streams.indices {
      let stream = other.streams[index]
      try stream.checkMatches(
        points: streams[index].points, width: streams[index].width, stream: index, path: path)
      let held = Set(stream.pairs)
      streams[index].pairs.removeAll { !held.contains($0) }
      streams[index].rows.add(stream.rows)
      streams[index].profiled.add(stream.profiled)
      // A kind of moments that one of them lacks goes.
      streams[index].means = streams[index].means.adding(stream.means)
      streams[index].patches = streams[index].patches.adding(stream.patches)
      guard streams[index].outliers?.medians == stream.outliers?.medians else {
        throw Failure(
          .malformedInput,
          "\(path): stream \(index): outlier tokens have other weights than in \(first)",
          notes: ["'gather-stats --weights-of FILE' takes them from another statistics file"])
      }
      if let other = stream.outliers {
        streams[index].outliers?.weights.fit += other.weights.fit
        streams[index].outliers?.weights.held += other.weights.held
      }
    }
    sources += other.sources
    let counts: [Counts] =
      streams.flatMap { [$0.rows, $0.profiled, $0.means, $0.patches].compactMap(\.self) }
      + [samples]
    guard counts.allSatisfy({ max($0.fit, $0.held) <= Self.largestCount }) else {
      throw Failure(.malformedInput, "\(path): more rows than can be counted, with those before")
    }
  }
}

extension StatisticsHeader.Counts {
  /// The sums, or the largest `Int`.
  fileprivate mutating func add(_ other: StatisticsHeader.Counts) {
    fit = saturatingSum(fit, other.fit)
    held = saturatingSum(held, other.held)
  }
}

extension StatisticsHeader.Counts? {
  /// The sums where there are both.
  fileprivate func adding(_ other: StatisticsHeader.Counts?) -> StatisticsHeader.Counts? {
    guard var sum = self, let other else { return nil }
    sum.add(other)
    return sum
  }
}

extension StatisticsFile {
  /// What the file holds of pairs of points of a stream.
  fileprivate func record(
    of pairs: [PointPair], stream: Int, kinds: MomentKinds
  ) -> StreamRecord {
    let moments = moments(of: pairs, stream: stream, kinds: kinds)
    let points = moments.fit.tokens.points
    var profiles = PointProfiles(width: header.streams[stream].width, points: points)
    for (index, point) in points.enumerated() {
      guard let pair = self.profiles(of: point, stream: stream) else { continue }
      profiles[.fit][index] = pair.fit
      profiles[.held][index] = pair.held
    }
    return StreamRecord(moments: moments, profiles: profiles)
  }
}

extension StreamRecord {
  /// Adds what other data left at the same points.
  fileprivate mutating func merge(_ other: StreamRecord) {
    for part in SamplePart.allCases {
      moments[part].merge(other.moments[part])
      for index in profiles.points.indices {
        profiles[part][index].merge(other.profiles[part][index])
      }
    }
  }
}
