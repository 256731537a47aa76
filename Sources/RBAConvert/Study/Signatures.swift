import Planning
import Statistics

extension Study {
  /// What the samples fitted on are like at the first point of each span; `nil` without spans.
  func signature(of spans: [CandidateSpan]) throws(Failure) -> CalibrationSignature? {
    guard !spans.isEmpty else { return nil }
    let starts = Set(spans.map { CandidateSpan(stream: $0.stream, from: $0.from, to: $0.from) })
      .sorted { ($0.stream, $0.from) < ($1.stream, $1.from) }
    let profiles = try profiles(of: starts.map { ($0.stream, $0.from) })
    return CalibrationSignature(
      points: zip(starts, profiles).map { start, profiles in
        CalibrationSignature.Point(
          name: name(start.from, of: streams[start.stream]), profiles.fit,
          heldDistance: profiles.heldDistance)
      })
  }
}
