import Glibc
import Statistics
import Tensors
import Testing

@testable import RBAConvert

@Suite struct MeasurementTests {
  /// Four samples of three class scores, the largest of which are 0, 1, 2 and 0.
  private let a = Tensor(
    [3, 1, 0, 0, 2, 1, 1, 0, 4, 5, 0, 1] as [Float], shape: [4, 3])
  /// As `a` but for the last sample, whose largest score is of class 2.
  private let b = Tensor(
    [3, 1, 0, 0, 2, 1, 1, 0, 4, 1, 0, 5] as [Float], shape: [4, 3])

  private func measure(
    _ a: Tensor, _ b: Tensor, labels: [Int]? = nil
  ) throws(Failure) -> Measurement {
    let candidates =
      a.shape.count == 2
      ? [ClassLabels.Candidate(output: "y", classCount: a.shape[1], isScores: true)] : []
    return try Measurement(
      ["y": a], ["y": b], names: ["y"],
      labels: labels.map { (classes) throws(Failure) in
        try ClassLabels(classes: classes, path: "labels.npy").matched(with: candidates)
      },
      means: a.sampleMeans.map { ["y": $0] } ?? [:])
  }

  @Test func errorsAreThoseOfTheirDefinitions() throws {
    let report = try #require(try measure(a, b).reports.first)
    // By hand: the errors are −4 and 4; column means 9/4, 3/4, 3/2, column scatters 14.75, 2.75, 9.
    #expect(report.name == "y")
    #expect(report.maxAbsoluteError == 4)
    #expect(report.meanAbsoluteError == 8.0 / 12)
    #expect(abs(report.relativeError - 32 / 26.5) < 1e-15)
    #expect(abs(report.cosine - (3 + 10.0 / 26) / 4) < 1e-15)
    #expect(report.top1Agreement == 0.75)
    // 4 ≤ t + 1·t.
    #expect(report.minimumTolerance == 2)
  }

  @Test func equalOutputsHaveNoError() throws {
    let measurement = try measure(a, a)
    #expect(measurement.damage == 0)
    #expect(measurement.reports[0].cosine == 1)
    #expect(measurement.reports[0].top1Agreement == 1)
    #expect(measurement.reports[0].minimumTolerance == 0)
    #expect(measurement.accuracy == nil)
  }

  @Test func accuracyCountsLabels() throws {
    let accuracy = try #require(try measure(a, b, labels: [0, 1, 0, 0]).accuracy)
    #expect(accuracy.a == 0.75)
    #expect(accuracy.b == 0.5)
  }

  @Test func onlyClassScoresHaveAgreement() throws {
    let maps = Tensor(a.elements(as: Float.self), shape: [4, 3, 1])
    #expect(try measure(maps, maps, labels: [0, 1, 2, 0]).reports[0].top1Agreement == nil)
    let columns = Tensor([1, 2] as [Float], shape: [2, 1])
    #expect(try measure(columns, columns).reports[0].top1Agreement == nil)
    let whole = Tensor([1, 2, 3, 4] as [Int64], shape: [2, 2])
    #expect(try measure(whole, whole).reports[0].top1Agreement == nil)
  }

  @Test func damageIsTheMeanOverOutputs() throws {
    let measurement = try Measurement(
      ["y": a, "z": a], ["y": a, "z": b], names: ["y", "z"], labels: nil)
    #expect(measurement.damage == measurement.reports[1].relativeError / 2)
  }

  @Test func whatCannotBeComparedIsRefused() throws {
    let rows = Tensor(a.elements(as: Float.self), shape: [3, 4])
    let shapes = try failure { () throws(Failure) in try measure(a, rows) }
    #expect(shapes.status == .malformedInput)
    #expect(
      shapes.message
        == "output 'y': expected float[4, 3] from both models, got float[3, 4] from the second")
    let strings = try Tensor(strings: [[65]], shape: [1])
    let types = try failure { () throws(Failure) in try measure(strings, strings) }
    #expect(types.message == "output 'y': cannot compare elements of type string")
    let class3 = try failure { () throws(Failure) in try measure(a, b, labels: [0, 1, 3, 0]) }
    #expect(
      class3.message
        == "labels.npy: labels: expected classes from 0 to 2, as output 'y' has them, got 3 for sample 2"
    )
    let missing = try failure { () throws(Failure) in
      try Measurement(["y": a], ["x": a], names: ["y"], labels: nil)
    }
    #expect(missing.message == "output 'y' is not in both models")
  }

  private func rule(
    limit: Double? = nil, isSynthetic: Bool = false, classScores: Set<String> = ["y"]
  ) -> GuardRule {
    GuardRule(limit: limit, isSynthetic: isSynthetic, classScores: classScores)
  }

  @Test func labelsDecideByAccuracy() throws {
    let measurement = try measure(a, b, labels: [0, 1, 2, 0])
    let strict = rule().verdict(on: measurement)
    #expect(strict.metric == "accuracy-drop")
    #expect(strict.limit == 0.01)
    #expect(strict.measured == 0.25)
    #expect(!strict.passed)
    #expect(rule(limit: 0.25).verdict(on: measurement).passed)
  }

  @Test func aGainInAccuracyPasses() throws {
    let verdict = rule(limit: 0)
      .verdict(on: try measure(b, a, labels: [0, 1, 2, 0]))
    #expect(verdict.measured == 0)
    #expect(verdict.passed)
  }

  /// Labels that the model gets wrong, and one label for all samples.
  @Test(arguments: [[1, 2, 0, 1], [0, 0, 0, 0]])
  func labelsThatTellNothingDoNotDecide(labels: [Int]) throws {
    let verdict = rule().verdict(on: try measure(a, b, labels: labels))
    #expect(verdict.metric == "top1-disagreement" || verdict.metric == "relative-error")
    #expect(!verdict.passed)
  }

  @Test func theBoundOfAShareIsNoMoreThanAll() throws {
    let one = Tensor([1, 0] as [Float], shape: [1, 2])
    let other = Tensor([0, 1] as [Float], shape: [1, 2])
    #expect(rule(limit: 1).verdict(on: try measure(one, other)).bound == 1)
  }

  @Test func anyCriterionThatOthersMayExceedIsToldOf() throws {
    let told = try #require(rule().uncertainty(of: try measure(a, a)))
    #expect(told.metric == "top1-disagreement")
    #expect(rule(classScores: []).uncertainty(of: try measure(a, a)) == nil)
  }

  @Test func classScoresWithoutLabelsDecideByAgreement() throws {
    let verdict = rule().verdict(on: try measure(a, b))
    #expect(verdict.metric == "top1-disagreement")
    #expect(verdict.limit == 0.01)
    #expect(verdict.measured == 0.25)
    #expect(!verdict.passed)
  }

  @Test func classScoresMayNotChangeMuchWhereTheirClassesAgree() throws {
    let halved = Tensor(a.elements(as: Float.self).map { $0 / 2 }, shape: a.shape)
    let measurement = try measure(a, halved)
    let verdict = rule().verdict(on: measurement)
    #expect(verdict.metric == "relative-error")
    #expect(!verdict.passed)
    // A limit that was asked for is one of classes.
    #expect(rule(limit: 0.01).verdict(on: measurement).passed)
  }

  @Test func embeddingsDecideByRelativeErrorAlone() throws {
    let verdict = rule(classScores: []).verdict(on: try measure(a, b))
    #expect(verdict.metric == "relative-error")
    #expect(verdict.measured == (try measure(a, b)).reports[0].relativeError)
  }

  /// Standard errors of one of two measurements of so many samples each.
  private static func confidence(_ count: Double, trials: Double = 1) -> Double {
    StudentDistribution.quantile(tail: 0.05 / trials, degreesOfFreedom: count - 1)
      * 2.0.squareRoot()
  }

  @Test func aLimitFinerThanOneSampleMayBeOneSample() throws {
    var coarse = rule()
    coarse.leastShare = 0.25
    #expect(!rule().verdict(on: try measure(a, b)).passed)
    let verdict = coarse.verdict(on: try measure(a, b))
    // The relative error is no share of samples.
    #expect(verdict.metric == "relative-error" && verdict.limit == 0.05)
    #expect(rule(limit: 0.1).verdict(on: try measure(a, b)).limit == 0.1)
    coarse.limit = 0.1
    #expect(coarse.verdict(on: try measure(a, b)).passed)
  }

  @Test func theBoundIsTheScatterOfTwoMeasurements() throws {
    // One of four disagrees; 2 of 6 after one more of each kind.
    let agreement = rule(limit: 0.25).verdict(on: try measure(a, b))
    let share = (1.0 / 3 * 2 / 3 / 4).squareRoot()
    #expect(abs(agreement.bound - min(0.25 + Self.confidence(4) * share, 1)) < 1e-6)
    #expect(agreement.passed)
    let x = Tensor([0, 2, 4] as [Float], shape: [3, 1])
    let y = Tensor([0, 2, 5] as [Float], shape: [3, 1])
    // Squared errors 0, 0, 1 and one more 1, over shares 4, 0, 4 of a scatter of 8: a ratio of 1/4, from
    // which the samples deviate by -1, 0, 0 and 1. One sample lost whole would have a third of the scatter,
    // more than the eighth that all have together.
    let error = rule().verdict(on: try measure(x, y))
    let deviation = 2.0.squareRoot() / 8
    let bound = 0.25 * exp(Self.confidence(3) * deviation / 0.25) + 0.125
    #expect(abs(error.bound - bound) < 1e-6)
    let none = rule().verdict(on: try measure(x, x))
    #expect(none.bound == 0)
  }

  /// The one chosen of fifty lies within what all fifty lie within, and sixteen samples that are four
  /// different ones tell as much as those four.
  @Test func theBoundWidensWithWhatWasTriedAndWithWhatRepeats() throws {
    var tried = rule(limit: 0.25)
    tried.trials = 50
    let share = (1.0 / 3 * 2 / 3 / 4).squareRoot()
    let bound = 0.25 + Self.confidence(4, trials: 50) * share
    #expect(abs(tried.verdict(on: try measure(a, b)).bound - min(bound, 1)) < 1e-6)
    var repeated = rule(limit: 0.25)
    repeated.repetition = 4
    let fourfold = try measure(
      Tensor.concatenating([a, a, a, a]), Tensor.concatenating([b, b, b, b]))
    let once = rule(limit: 0.25).verdict(on: try measure(a, b))
    #expect(abs(repeated.verdict(on: fourfold).bound - once.bound) < 1e-12)
    #expect(rule(limit: 0.25).verdict(on: fourfold).bound < once.bound)
  }

  @Test func otherOutputsDecideByRelativeError() throws {
    let x = Tensor([0, 2, 4] as [Float], shape: [3, 1])
    // Scatter 8, squared error 0.36: a relative error of 0.045.
    let y = Tensor([0, 2, 4.6] as [Float], shape: [3, 1])
    let measurement = try measure(x, y)
    let given = rule().verdict(on: measurement)
    #expect(given.metric == "relative-error")
    #expect(given.limit == 0.05)
    #expect(given.passed)
    let synthetic = rule(isSynthetic: true).verdict(on: measurement)
    #expect(synthetic.limit == 0.025)
    #expect(!synthetic.passed)
    // A limit that was asked for is not halved.
    #expect(rule(limit: 0.05, isSynthetic: true).verdict(on: measurement).passed)
  }

  @Test func theOutputFurthestBeyondItsLimitDecides() throws {
    let x = Tensor([0, 2, 4, 6] as [Float], shape: [4, 1])
    let measurement = try Measurement(
      ["x": x, "y": a], ["x": x, "y": b], names: ["x", "y"], labels: nil)
    let verdict = rule().verdict(on: measurement)
    #expect(verdict.metric == "top1-disagreement")
  }

  @Test(arguments: [1e9, .infinity]) func numbersThatAreNotFinitePassNoGuard(limit: Double) throws {
    let x = Tensor([0, 2] as [Float], shape: [2, 1])
    let y = Tensor([0, .nan] as [Float], shape: [2, 1])
    #expect(!rule(limit: limit).verdict(on: try measure(x, y)).passed)
  }

  /// Whatever is counted of the classes.
  @Test(arguments: [nil, 1, .infinity] as [Double?], [nil, [0, 1, 2, 0]] as [[Int]?])
  func classScoresThatAreNotFinitePassNoGuard(limit: Double?, labels: [Int]?) throws {
    var scores = a.elements(as: Float.self)
    scores[3] = .nan
    let other = Tensor(scores, shape: a.shape)
    let verdict = rule(limit: limit).verdict(on: try measure(a, other, labels: labels))
    #expect(!verdict.passed && verdict.measured == .infinity)
    #expect(rule(limit: limit).verdict(on: try measure(a, a, labels: labels)).passed)
  }
}
