import Planning
import Testing

@testable import RBAConvert

/// Passes that go on from one another do what each would do from the start.
@Suite struct PassCheckpointsTests {
  /// Sets that begin alike, end alike, grow at their start and change a form.
  private static let sets = [
    [Self.member(6, 8), Self.member(10, 12)],
    [Self.member(6, 8), Self.member(10, 13)],
    [Self.member(6, 8, .linear), Self.member(10, 13)],
    [Self.member(2, 3), Self.member(6, 8), Self.member(10, 13)],
    [Self.member(6, 8), Self.member(10, 13), Self.member(15, 16, .lowRank)],
    [Self.member(5, 8), Self.member(10, 13)],
  ]

  private static func member(
    _ from: Int, _ to: Int, _ form: ReplacementForm = .identity
  ) -> SpanSet.Member {
    SpanSet.Member(CandidateSpan(stream: 0, from: from, to: to), form)
  }

  /// Room for some twenty passes.
  private static let capacity = 3 << 24
  /// Where a value is computed from changes how its sums are grouped, in float: by 2⁻²⁴ √64 of a value, of
  /// which the errors compared are a tenth or so, twice that for their squares, and what some solves in
  /// sequence make of it.
  private static let tolerance = 1e-4

  @Test func aPassTakenUpEndsAsOneFromTheStart() throws {
    let study = try Analysis(
      input: Sample.model, plan: nil, overwriting: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: 96),
      selection: SelectionOptions(), machine: Machine(threads: 2)
    ).study(LoadedModel(path: Sample.model), Notes().diagnostics).0
    let policy = try FitPolicy(form: "auto", fit: "ridge")
    let checkpoints = PassCheckpoints(capacity: Self.capacity)
    for set in Self.sets {
      let errors = try [nil, checkpoints].map { checkpoints in
        let choices = set.map { Choice(unfitted: $0) }
        let fitting = SequentialFitting(
          study: study, policy: policy, memory: 1 << 30, checkpoints: checkpoints)
        let (fitted, updates, healed) = try fitting.refit(choices, healing: true)
        let rewritten = try study.rewritten(fitted, updates: updates)
        return try [study.compare(with: rewritten).damage] + healed.map(\.errorAfter)
      }
      #expect(errors[0].count >= 3 && errors[0].count == errors[1].count, "\(set)")
      for (whole, takenUp) in zip(errors[0], errors[1]) {
        #expect(abs(whole - takenUp) <= Self.tolerance * whole, "\(set)")
      }
    }
    // The last pass is known up to its end, some other has gone for want of room.
    let steps = study.streams.map(\.steps.count)
    let furthest = Self.sets.map { checkpoints.furthest(over: $0, steps: steps)?.step ?? -1 }
    #expect(furthest.last! >= 13)
    #expect(furthest.min()! < furthest.last!)
  }
}
