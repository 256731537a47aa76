import Operators
import Planning
import Statistics
import Tensors

/// The moments of a group of spans: from a statistics file where that has them, else gathered.
struct GroupStatistics: Sendable {
  /// What one file has, or one run gathered.
  private struct Part {
    let spans: Set<CandidateSpan>
    let streams: [StreamStatistics]
    /// `nil` where they were gathered.
    let origin: Origin?

    /// Moments that nothing can be fitted to are a fault of their file.
    func fault(_ failure: Failure) -> Failure {
      guard let origin, failure.status == .internalFault else { return failure }
      return Failure(.malformedInput, "\(origin.path): \(failure.message)", notes: failure.notes)
    }
  }

  /// The file that moments are from.
  fileprivate struct Origin {
    let path: String
    /// What is to be said where maps are fitted on them.
    let remarks: [String]
    let diagnostics: Diagnostics
  }

  private var parts: [Part] = []

  /// Of no spans.
  init() {}

  fileprivate mutating func add(
    _ spans: [CandidateSpan], _ streams: [StreamStatistics], from origin: Origin? = nil
  ) {
    parts.append(Part(spans: Set(spans), streams: streams, origin: origin))
  }

  /// The maps to try for spans of the group.
  ///
  /// - Parameter removed: parameters that go with each span.
  func choices(
    _ spans: [CandidateSpan], _ policy: FitPolicy, threads: Int,
    removing removed: @Sendable (CandidateSpan) -> Int
  ) throws(Failure) -> [Choice] {
    var result: [Choice] = []
    for part in parts {
      for (index, statistics) in part.streams.enumerated() {
        let spans = spans.filter { $0.stream == index && part.spans.contains($0) }
        guard !spans.isEmpty else { continue }
        if let origin = part.origin, policy.form != .identity {
          origin.remarks.forEach(origin.diagnostics.note)
        }
        do throws(Failure) {
          result += try statistics.choices(spans, policy, threads: threads, removing: removed)
        } catch { throw part.fault(error) }
      }
    }
    return result
  }
}

extension Study {
  /// The moments of spans.
  ///
  /// - Parameters:
  ///   - kinds: the moments to take beside those of tokens, by stream.
  ///   - isRanking: whether they only put spans in order, whose maps are fitted anew.
  func moments(
    of spans: [CandidateSpan], kinds: [MomentKinds], isRanking: Bool = false
  ) throws(Failure) -> GroupStatistics {
    var result = GroupStatistics()
    var missing = spans
    if let savedStatistics {
      let isHeld = { (span: CandidateSpan) in
        weighsAlike(savedStatistics, stream: span.stream)
          && savedStatistics.holds(span, kinds: kinds[span.stream])
      }
      let held = spans.filter(isHeld)
      missing = spans.filter { !isHeld($0) }
      if !held.isEmpty {
        result.add(
          held, savedStatistics.moments(of: held, kinds: kinds),
          from: GroupStatistics.Origin(
            path: savedStatistics.path, remarks: isRanking ? [] : savedStatistics.remarks,
            diagnostics: diagnostics))
      }
    }
    if !missing.isEmpty {
      result.add(missing, try gatheredMoments(of: missing, kinds: kinds))
    }
    return result
  }

  /// Whether a file's moments of a stream were weighed as rows are here.
  private func weighsAlike(_ file: StatisticsFile, stream: Int) -> Bool {
    file.header.streams[stream].outliers?.medians == outliers[stream]?.medians
  }

  /// Whether the saved moments are of more samples than there are here to fit on, so that nothing fitted
  /// here would be better.
  var savesMoreSamples: Bool {
    guard let savedStatistics else { return false }
    return savedStatistics.header.samples.fit > fit.count
      && streams.indices.allSatisfy { weighsAlike(savedStatistics, stream: $0) }
  }

  /// Uses `file`, or gathers the statistics and writes them to `path` first. Outlier tokens have the
  /// weights from then on that they had where the statistics were gathered.
  ///
  /// - Parameter weighing: whether outlier tokens are to be weighed at all; where not, moments that
  ///   they were weighed in are not used.
  mutating func useStatistics(
    _ file: StatisticsFile?, at path: String, source: String, wanted: [CandidateSpan],
    memory: Int, weighing: Bool
  ) throws(Failure) {
    let statistics: StatisticsFile
    if let file {
      statistics = file
    } else {
      try findOutliers()
      try writeStatistics(to: path, source: source, wanted: wanted, memory: memory)
      statistics = try StatisticsFile(path: path)
    }
    try statistics.checkMatches(streams) { name($0, of: $1) }
    outliers = streams.indices.map { weighing ? statistics.outliers(ofStream: $0) : nil }
    if !streams.indices.allSatisfy({ weighsAlike(statistics, stream: $0) }) {
      diagnostics.note(
        "\(path): its outlier tokens have weights, which the published methods do not take; "
          + "maps are fitted on the data given")
    }
    savedStatistics = statistics
    // Whether they are more is known from here on.
    if file != nil {
      let remarks = remarks(on: statistics)
      savedStatistics?.remarks = remarks
    }
  }

  /// Gathers as many spans as the memory allows, those wanted first and then the shortest, and writes
  /// their moments.
  func writeStatistics(
    to path: String, source: String, wanted: [CandidateSpan], memory: Int,
    overwriting: Bool = false
  ) throws(Failure) {
    let longest = SpanSweep.rounds.last?.upperBound ?? 1
    let all = CandidateSpan.all(in: streams, maximalLength: longest)
    let others = all.filter { !wanted.contains($0) }.enumerated()
      .sorted { ($0.element.length, $0.offset) < ($1.element.length, $1.offset) }.map(\.element)
    let spans = wanted + others
    let kinds = streams.map { momentKinds(of: $0) }
    let group = Array(fitting(spans[...], memory: memory, kinds: kinds))
    if group.count < spans.count {
      diagnostics.note(
        "\(path): holds \(group.count) of \(spans.count) spans, the shortest: the moments of all "
          + "would not fit \(memory.bytesText)")
    }
    let records = try gather(group, kinds: kinds, profiling: true)
    let header = StatisticsHeader(
      model: loaded.digest(),
      streams: streams.indices.map { headerEntry(of: $0, records[$0]) },
      sources: [
        .init(
          name: source, samples: .init(fit: fit.count, held: held.count), digest: fit.digest())
      ])
    try StatisticsFile.write(header, records, to: path, overwriting: overwriting)
  }

  /// What a file says of a stream.
  private func headerEntry(of index: Int, _ record: StreamRecord) -> StatisticsHeader.Stream {
    let stream = streams[index]
    let (fit, held) = (record.moments.fit, record.moments.held)
    var entry = StatisticsHeader.Stream(
      points: stream.points.indices.map { name($0, of: stream) }, shape: stream.type.shape,
      width: stream.width, pairs: fit.tokens.keptPairs,
      rows: .init(fit: fit.tokens.rowCount, held: held.tokens.rowCount),
      profiled: .init(
        fit: record.profiles[.fit].first?.sampleCount ?? 0,
        held: record.profiles[.held].first?.sampleCount ?? 0))
    if let a = fit.samples, let b = held.samples {
      entry.means = .init(fit: a.rowCount, held: b.rowCount)
    }
    if let a = fit.patches, let b = held.patches {
      entry.patches = .init(fit: a.rowCount, held: b.rowCount)
    }
    entry.outliers = outliers[index].map { scale in
      StatisticsHeader.Outliers(
        medians: scale.medians,
        weights: .init(fit: fit.tokens.weight, held: held.tokens.weight))
    }
    return entry
  }

  /// What is to be said of maps fitted on a file: that its samples are not known to be others than those
  /// held out here, and that they are more.
  private func remarks(on file: StatisticsFile) -> [String] {
    var result: [String] = []
    let digest = fit.digest()
    let others = file.header.sources.filter { $0.digest != digest }
    if !others.isEmpty { result.append(caveat(of: file, others)) }
    if savesMoreSamples {
      result.append(
        "maps are fitted on the \(file.header.samples.fit) samples of \(file.path), none anew in sequence"
      )
    }
    return result
  }

  private func caveat(
    of file: StatisticsFile, _ others: [StatisticsHeader.Source]
  ) -> String {
    let isOwn = others.count < file.header.sources.count
    let names = Set(others.map(\.name)).sorted().joined(separator: ", ")
    return "\(file.path): samples held out now may be among those fitted on"
      + (isOwn ? " of \(names)" : "")
      + ", and the loss then be larger than is told"
      + (isOwn ? "" : "; give other samples, or those of one gather-stats run with its --holdout")
  }
}
