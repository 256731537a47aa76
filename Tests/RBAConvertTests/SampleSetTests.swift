import Tensors
import Testing

@testable import RBAConvert

@Suite struct SampleSetTests {
  private func samples(_ count: Int) -> SampleSet {
    SampleSet(
      feeds: ["x": Tensor((0..<count).map(Float.init), shape: [count, 1])],
      labels: ClassLabels(classes: Array(0..<count), path: ""), source: "", isSynthetic: false)
  }

  @Test func selectedSamplesComeInTheOrderAsked() {
    let chosen = samples(6).selecting([4, 0, 1])
    #expect(chosen.feeds["x"]?.elements(as: Float.self) == [4, 0, 1])
    #expect(chosen.labels?.classes == [4, 0, 1])
    #expect(samples(3).selecting([]).count == 0)
  }

  @Test func labelsKnowWhereTheyStoodInTheData() throws {
    let chosen = samples(9).selecting([8, 1, 5, 2]).selecting([1, 3, 2])
    let labels = try #require(chosen.labels)
    let refusal = try failure { () throws(Failure) in
      try labels.matched(with: [.init(output: "y", classCount: 3, isScores: true)])
    }
    #expect(refusal.message.hasSuffix("got 5 for sample 5"))
  }

  @Test(
    arguments: [
      ([], nil), ([("a", 4, true)], "a"), ([("a", 4, false), ("b", 4, true)], "b"),
      ([("a", 3, true), ("b", 4, true)], "b"), ([("a", 9, false), ("b", 4, false)], "b"),
      ([("a", 10, true), ("b", 4, true)], "b"), ([("a", 10, false), ("b", 2, true)], "a"),
    ] as [([(String, Int, Bool)], String?)])
  func labelsAreOfTheSmallestOutputThatHasScoresOfAllClasses(
    outputs: [(String, Int, Bool)], expected: String?
  ) throws {
    let candidates = outputs.map {
      ClassLabels.Candidate(output: $0.0, classCount: $0.1, isScores: $0.2)
    }
    let labels = ClassLabels(classes: [3, 0, 1], path: "l.npy")
    #expect(try labels.matched(with: candidates).output == expected)
    #expect(try labels.matched(with: candidates).selecting([1]).output == expected)
    let notes = Notes()
    try labels.matched(with: candidates).noteUse(notes.diagnostics)
    #expect(notes.lines.isEmpty == (expected != nil))
  }

  @Test(arguments: [(8, 0.5), (512, 0.25), (10, 0.3), (7, 0.9), (1, 0.5), (2, 0.5)])
  func everySampleIsEitherFittedOnOrHeld(count: Int, share: Double) {
    let (fit, held) = samples(count).all.split(holding: share)
    let labels = (fit.labels?.classes ?? []) + (held.labels?.classes ?? [])
    #expect(labels.sorted() == Array(0..<count))
    // Rounding down.
    #expect(held.count == Int((Double(count) * share).rounded(.down)))
    #expect(fit.rows == fit.labels?.classes)
    #expect(held.rows == held.labels?.classes)
  }

  @Test func ofEveryRunTheSameShareIsHeld() {
    let held = samples(100).all.split(holding: 0.25).held.labels?.classes ?? []
    for run in stride(from: 0, to: 100, by: 20) {
      #expect(held.count { run..<run + 20 ~= $0 } == 5)
    }
  }

  /// Data in which so many classes take turns: all are held in about equal parts.
  @Test(arguments: [2, 4, 5, 10], [0.5, 0.25, 0.2])
  func ofClassesThatTakeTurnsAllAreHeld(classes: Int, share: Double) {
    let held = samples(100 * classes).all.split(holding: share).held.labels?.classes ?? []
    for kind in 0..<classes {
      let count = Double(held.count { $0 % classes == kind })
      // Of so many draws: five standard deviations.
      let deviation = (100 * share * (1 - share)).squareRoot()
      #expect(abs(count - 100 * share) <= 5 * deviation, "\(kind)")
    }
  }

  // MARK: Selections

  private func selection(_ count: Int) -> SampleSelection {
    SampleSelection(samples: samples(count), rows: Array(0..<count))
  }

  @Test func fewSamplesAreSpreadOverAll() {
    // Runs of 2, 3, 2 and 3, of which the places from the end are 0, 0.62, 0.24 and 0.85.
    #expect(selection(10).spread(4).rows == [1, 3, 6, 7])
    #expect(selection(3).spread(4).rows == [0, 1, 2])
    #expect(selection(10).spread(5, group: 2).rows == [2, 3, 6, 7])
    #expect(selection(9).spread(8, group: 4).rows == [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(selection(10).spread(2, group: 4).rows == [4, 6])
    #expect(selection(10).spread(0).rows.isEmpty)
  }

  /// A stride of ten would see one of ten classes only.
  @Test func fewSamplesOfClassesThatTakeTurnsAreOfAll() {
    let classes = selection(1000).spread(100).rows.map { $0 % 10 }
    for kind in 0..<10 { #expect((7...13).contains(classes.count { $0 == kind })) }
  }

  /// Such as a time step: it has no rows.
  @Test func aSampleOfAScalarIsOne() {
    let sample = SampleSet(
      feeds: ["t": Tensor([3] as [Float], shape: [])], source: "", isSynthetic: false,
      isSingle: true)
    let (fit, held) = sample.all.split(holding: 0.5)
    #expect(fit.rows == [0] && held.rows.isEmpty)
    #expect(sample.all.kindCount() == 1)
  }

  @Test func whatDoesNotFillAGroupIsLeftOutWhereSamplesDependOnOthers() {
    for (count, batching, left) in [
      (10, Batching.pieces(of: 4), 2), (8, .pieces(of: 4), 0), (3, .pieces(of: 4), 0),
      (10, .groups(of: 4), 0), (10, .whole, 0),
    ] {
      var selection = selection(count)
      #expect(selection.removeRemainder(batching) == left)
      #expect(selection.rows == Array(0..<count - left))
    }
  }

  // MARK: Equal samples

  /// Else what is held out would have been fitted on.
  @Test(arguments: [1, 2]) func equalSamplesGoTogether(group: Int) {
    let values = (0..<40).map { Float($0 / (2 * group) * 100 + $0 % group) }
    let samples = SampleSet(
      feeds: ["x": Tensor(values, shape: [40, 1])], labels: nil, source: "", isSynthetic: false)
    let (fit, held) = samples.all.split(holding: 0.5, group: group)
    #expect(held.count == 20 && fit.count == 20)
    #expect(Set(fit.rows.map { values[$0] }).isDisjoint(with: held.rows.map { values[$0] }))
    #expect(samples.all.kindCount() == 20)
    let (inner, measured) = fit.split(holding: 0.5, .pieces(of: group))
    #expect(inner.count == 10 || inner.count == 12)
    #expect(Set(inner.rows + measured.rows) == Set(fit.rows))
    #expect(Set(inner.rows.map { values[$0] }).isDisjoint(with: measured.rows.map { values[$0] }))
    for part in [inner, measured] {
      for start in stride(from: 0, to: part.count, by: group) {
        let rows = part.rows[start..<start + group]
        #expect(rows.first! % group == 0 && rows.last! == rows.first! + group - 1)
      }
    }
  }

  @Test func samplesThatDependOnEachOtherAreSplitInTwoRuns() {
    let (fit, held) = samples(10).all.split(holding: 0.2, .whole)
    #expect(fit.rows == Array(0..<8) && held.rows == [8, 9])
    let (inner, measured) = fit.split(holding: 0.5, .whole)
    #expect(inner.rows == Array(0..<4) && measured.rows == Array(4..<8))
  }
}
