import Planning
import Statistics

extension Study {
  /// What the samples fitted on are like at the first point of each span; `nil` without spans.
  func signature(of spans: [CandidateSpan]) throws(Failure) -> CalibrationSignature? {
    guard !spans.isEmpty else { return nil }
    let starts = Set(spans.map(\.start)).sorted()
    let profiles = try profiles(of: starts)
    return CalibrationSignature(
      points: zip(starts, profiles).map { start, profiles in
        CalibrationSignature.Point(
          name: name(start), profiles.fit, heldDistance: profiles.heldDistance)
      })
  }
}
