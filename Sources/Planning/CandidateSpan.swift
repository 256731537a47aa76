package import GraphIR

/// The work between two points of a stream.
package struct CandidateSpan: Sendable, Hashable {
  /// The stream's place among those found.
  package let stream: Int
  package let from: Int
  package let to: Int

  package init(stream: Int, from: Int, to: Int) {
    self.stream = stream
    self.from = from
    self.to = to
  }

  /// The number of steps.
  package var length: Int { to - from }

  /// Whether both spans take in some step.
  package func overlaps(_ other: CandidateSpan) -> Bool {
    stream == other.stream && from < other.to && other.from < to
  }

  /// How people write the span, such as `3:5`; spans of streams beside the main one are written with
  /// the stream's number, as in `2/0:1`.
  package func label(in streams: [ResidualStream]) -> String {
    let points = streams[stream]
    let label = "\(points.label(of: from)):\(points.label(of: to))"
    return stream == Self.mainStream(of: streams) ? label : "\(stream)/\(label)"
  }

  /// All spans of up to `maximalLength` steps, by stream, first point and length.
  package static func all(
    in streams: [ResidualStream], maximalLength: Int = .max
  ) -> [CandidateSpan] {
    streams.enumerated().flatMap { index, stream in
      stream.points.indices.flatMap { from in
        stream.points.indices.filter { $0 > from && $0 - from <= maximalLength }
          .map { CandidateSpan(stream: index, from: from, to: $0) }
      }
    }
  }

  /// Reads a list such as `3:5,9:11` or `3.5:5`, in which a span without a stream's number is one of
  /// the stream with the most points.
  ///
  /// - Throws: `PlanError` naming the entry that is no span, or the two that overlap.
  package static func parse(
    _ text: String, in streams: [ResidualStream]
  ) throws(PlanError) -> [CandidateSpan] {
    var result: [CandidateSpan] = []
    for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
      let span = try parse(entry: entry.filter { $0 != " " }, in: streams)
      if let other = result.first(where: { $0.overlaps(span) }) {
        throw PlanError(
          .overlap, "spans '\(other.label(in: streams))' and '\(span.label(in: streams))' overlap")
      }
      result.append(span)
    }
    return result
  }

  private static func parse(
    entry: String, in streams: [ResidualStream]
  ) throws(PlanError) -> CandidateSpan {
    guard let main = mainStream(of: streams) else {
      throw PlanError(.unknownPoint, "span '\(entry)': the model has no residual stream")
    }
    let parts = entry.split(separator: "/", omittingEmptySubsequences: false)
    let index = parts.count == 1 ? main : Int(parts[0]) ?? -1
    guard parts.count <= 2, streams.indices.contains(index) else {
      throw PlanError(
        .unknownPoint, "span '\(entry)': expected a stream from 0 to \(streams.count - 1)")
    }
    let stream = streams[index]
    let labels = parts[parts.count - 1].split(separator: ":", omittingEmptySubsequences: false)
    guard labels.count == 2 else {
      throw PlanError(.invalidSpan, "span '\(entry)': expected FROM:TO, such as 3:5")
    }
    var points: [Int] = []
    for label in labels {
      guard let point = stream.point(labelled: label) else {
        let last = stream.label(of: stream.points.count - 1)
        let step = stream.hasPairedSteps ? " in steps of 0.5" : ""
        throw PlanError(
          .unknownPoint, "span '\(entry)': expected points from 0 to \(last)\(step), got '\(label)'"
        )
      }
      points.append(point)
    }
    guard points[0] < points[1] else {
      throw PlanError(.invalidSpan, "span '\(entry)' does not lead forward")
    }
    return CandidateSpan(stream: index, from: points[0], to: points[1])
  }

  /// The stream with the most points, the first of equals.
  private static func mainStream(of streams: [ResidualStream]) -> Int? {
    streams.indices.max { (streams[$0].points.count, $1) < (streams[$1].points.count, $0) }
  }
}

/// What replacing a span takes out of the model and puts into it.
package struct SpanSaving: Sendable {
  package let removal: Removal
  package let parametersAdded: Int

  /// The saving of one span, exact where weights are shared.
  ///
  /// - Parameter added: parameters of what takes its place.
  package init(
    _ span: CandidateSpan, adding added: Int, in graph: Graph, _ streams: [ResidualStream],
    multiplyAdds: (NodeID) -> Int
  ) {
    removal = Removal(replacing: [span], of: streams, in: graph, multiplyAdds: multiplyAdds)
    parametersAdded = added
  }

  /// Parameters that the model has less; negative where the replacement is larger than the span.
  package var parametersSaved: Int { removal.parameters - parametersAdded }
}

extension Removal {
  /// What goes when spans of streams are replaced.
  package init(
    replacing spans: [CandidateSpan], of streams: [ResidualStream], in graph: Graph,
    multiplyAdds: (NodeID) -> Int
  ) {
    self.init(
      replacing: spans.map { span in
        let points = streams[span.stream].points
        return (from: points[span.from], to: points[span.to])
      }, in: graph, multiplyAdds: multiplyAdds)
  }
}
