import Tensors
import Testing

@testable import RBAConvert

@Suite struct SampleSetTests {
  private func samples(_ count: Int) -> SampleSet {
    SampleSet(
      feeds: ["x": Tensor((0..<count).map(Float.init), shape: [count, 1])],
      labels: Array(0..<count), source: "", isSynthetic: false)
  }

  @Test func selectedSamplesComeInTheOrderAsked() {
    let chosen = samples(6).selecting([4, 0, 1])
    #expect(chosen.feeds["x"]?.elements(as: Float.self) == [4, 0, 1])
    #expect(chosen.labels == [4, 0, 1])
    #expect(samples(3).selecting([]).count == 0)
  }

  @Test(arguments: [(8, 0.5), (512, 0.25), (10, 0.3), (7, 0.9), (1, 0.5), (2, 0.5)])
  func everySampleIsEitherFittedOnOrHeld(count: Int, share: Double) {
    let (fit, held) = samples(count).split(holding: share)
    let labels = (fit.labels ?? []) + (held.labels ?? [])
    #expect(labels.sorted() == Array(0..<count))
    // Rounding down, as the first samples are all fitted on.
    #expect(held.count == Int((Double(count) * share).rounded(.down)))
    #expect(fit.rows == fit.labels)
    #expect(held.rows == held.labels)
  }

  @Test func ofEveryRunTheSameShareIsHeld() {
    let held = samples(100).split(holding: 0.25).held.labels ?? []
    for run in stride(from: 0, to: 100, by: 20) {
      #expect(held.count { run..<run + 20 ~= $0 } == 5)
    }
  }

  /// Else what is held out would have been fitted on.
  @Test(arguments: [1, 2]) func equalSamplesGoTogether(group: Int) {
    let values = (0..<40).map { Float($0 / (2 * group) * 100 + $0 % group) }
    let samples = SampleSet(
      feeds: ["x": Tensor(values, shape: [40, 1])], labels: nil, source: "", isSynthetic: false)
    let (fit, held) = samples.split(holding: 0.5, group: group)
    #expect(held.count == 20 && fit.count == 20)
    #expect(Set(fit.rows.map { values[$0] }).isDisjoint(with: held.rows.map { values[$0] }))
    #expect(samples.kindCount == 20)
  }
}
