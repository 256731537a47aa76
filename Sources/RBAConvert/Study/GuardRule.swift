import Statistics

/// What a converted model may lose on held-out data.
///
/// Of an output that has labels, accuracy; of other class scores, agreement of the largest class and
/// relative error; of any other output, relative error.
struct GuardRule: Sendable {
  /// Replaces every default limit; infinite where nothing is demanded.
  var limit: Double?
  /// Synthetic data counts for less: default limits are halved.
  var isSynthetic: Bool
  /// Names of the outputs that are scores of classes.
  var classScores: Set<String>

  /// A test of one metric.
  private struct Criterion {
    let metric: String
    let measured: Double
    /// Standard error of what was measured.
    let deviation: Double
    let limit: Double
  }

  /// Below this many standard errors lie 19 of 20 differences of two measurements that each have one.
  private static let confidence = 1.645 * 2.0.squareRoot()

  /// The strictest of the criteria that apply: the one nearest to its limit, or furthest beyond.
  func verdict(on measurement: Measurement) -> ConversionReport.Guard {
    let verdicts = measurement.outputs.flatMap { name, comparison in
      criteria(name, comparison).map { criterion in
        ConversionReport.Guard(
          metric: criterion.metric, limit: criterion.limit, measured: criterion.measured,
          bound: max(criterion.measured + Self.confidence * criterion.deviation, 0),
          passed: criterion.measured <= criterion.limit + 1e-12)
      }
    }
    return verdicts.max { Self.excess($0) < Self.excess($1) }
      ?? ConversionReport.Guard(
        metric: "relative-error", limit: 0, measured: 0, bound: 0, passed: true)
  }

  private static func excess(_ verdict: ConversionReport.Guard) -> Double {
    if verdict.limit > 0, verdict.limit.isFinite { return verdict.measured / verdict.limit }
    // Without a limit, or with none to spare, what was measured decides.
    return verdict.limit == 0 && verdict.measured > 0 ? .infinity : verdict.measured
  }

  private func criteria(_ name: String, _ comparison: OutputComparison) -> [Criterion] {
    func criterion(
      _ metric: String, _ measured: Double, _ deviation: Double, _ standard: Double
    ) -> Criterion {
      Criterion(
        metric: metric, measured: measured, deviation: deviation,
        limit: limit ?? (isSynthetic ? standard / 2 : standard))
    }
    if let accuracy = comparison.accuracy {
      let drop = max(accuracy.a - accuracy.b, 0)
      return [criterion("accuracy-drop", drop, comparison.accuracyDropDeviation!, 0.01)]
    }
    let error = criterion(
      "relative-error", comparison.relativeError, comparison.relativeErrorDeviation, 0.05)
    guard classScores.contains(name), let agreement = comparison.top1Agreement else {
      return [error]
    }
    let disagreement = criterion(
      "top1-disagreement", 1 - agreement, comparison.disagreementDeviation!, 0.01)
    // A limit that was asked for is one of classes.
    return limit == nil ? [disagreement, error] : [disagreement]
  }
}
