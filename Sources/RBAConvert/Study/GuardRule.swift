import Statistics

/// What a converted model may lose on held-out data.
///
/// Of an output that has labels, accuracy, unless one class for all samples were as accurate as the
/// original: such labels tell nothing. Of other class scores, agreement of the largest class and relative
/// error; of any other output, relative error. Where one model alone has a NaN or +∞ nothing passes.
struct GuardRule: Sendable {
  /// Replaces every default limit; infinite where nothing is demanded but figures that are finite.
  var limit: Double?
  /// Synthetic data counts for less: default limits are halved.
  var isSynthetic: Bool
  /// Names of the outputs that are scores of classes.
  var classScores: Set<String>

  /// How many models were measured to choose the one that is judged: the luckiest is among the best.
  var trials = 1
  /// How often each sample held out is there, on the mean.
  var repetition = 1.0

  /// What a limit on a share of the samples is at least: one that few samples are too coarse for may be met
  /// by what changes one of them.
  var leastShare = 0.0

  /// How many standard errors the difference of two measurements stays below 19 times of 20, where each has
  /// one and it is estimated from so many samples: for all `trials` models at once (Bonferroni), and so for
  /// the one chosen.
  private func confidence(samples count: Int) -> Double {
    StudentDistribution.quantile(
      tail: 0.05 / Double(max(trials, 1)),
      degreesOfFreedom: max(Double(count) / repetition - 1, 1)) * 2.0.squareRoot()
  }

  /// The strictest of the criteria that apply: the one nearest to its limit, or furthest beyond.
  func verdict(on measurement: Measurement) -> ConversionReport.Guard {
    verdicts(on: measurement).max { $0.excess < $1.excess }
      ?? ConversionReport.Guard(
        metric: "relative-error", limit: 0, measured: 0, bound: 0, passed: true)
  }

  /// The criterion that other samples may exceed by most, if they may exceed any.
  func uncertainty(of measurement: Measurement) -> ConversionReport.Guard? {
    verdicts(on: measurement).filter { $0.bound > $0.limit }
      .max { $0.bound * $1.limit < $1.bound * $0.limit }
  }

  private func verdicts(on measurement: Measurement) -> [ConversionReport.Guard] {
    measurement.outputs.flatMap { verdicts(on: $0.comparison, of: $0.name) }
  }

  private func verdicts(
    on comparison: OutputComparison, of name: String
  ) -> [ConversionReport.Guard] {
    let confidence = confidence(samples: comparison.sampleCount)
    func verdict(
      _ metric: String, _ measured: Double, bound: Double, standard: Double, least: Double = 0
    ) -> ConversionReport.Guard {
      let limit = max(limit ?? (isSynthetic ? standard / 2 : standard), least)
      return ConversionReport.Guard(
        metric: metric, limit: limit, measured: measured, bound: bound,
        passed: measured.isFinite && measured <= limit + 1e-12)
    }
    /// - Parameter deviation: standard error of the share measured.
    func shareVerdict(
      _ metric: String, _ measured: Double, deviation: Double
    ) -> ConversionReport.Guard {
      verdict(
        metric, measured, bound: min(measured + confidence * deviation, 1), standard: 0.01,
        least: leastShare)
    }
    guard !comparison.isBroken else {
      return [verdict("relative-error", .infinity, bound: .infinity, standard: 0.05)]
    }
    if let accuracy = comparison.accuracy, comparison.labelsTell {
      return [
        shareVerdict(
          "accuracy-drop", max(accuracy.a - accuracy.b, 0),
          deviation: comparison.accuracyDropDeviation(repetition: repetition)!)
      ]
    }
    let error = verdict(
      "relative-error", comparison.relativeError,
      bound: comparison.relativeErrorBound(standardErrors: confidence, repetition: repetition),
      standard: 0.05)
    guard let agreement = comparison.top1Agreement,
      classScores.contains(name) || comparison.accuracy != nil
    else { return [error] }
    let disagreement = shareVerdict(
      "top1-disagreement", 1 - agreement,
      deviation: comparison.disagreementDeviation(repetition: repetition)!)
    // A limit that was asked for is one of classes.
    return limit == nil ? [disagreement, error] : [disagreement]
  }
}

extension ConversionReport.Guard {
  /// Orders criteria by how much of their limits was used.
  fileprivate var excess: Double {
    if hasMargin { return measured / limit }
    // Without a limit, or with none to spare, what was measured decides.
    return limit == 0 && measured > 0 ? .infinity : measured
  }

  /// How much of the limit was used: at most 1 where it passed, more where it did not.
  var strain: Double {
    if passed { return hasMargin ? min(excess, 1) : 0 }
    return excess > 1 ? excess : .infinity
  }

  /// Whether a share of the limit has a meaning.
  private var hasMargin: Bool { limit > 0 && limit.isFinite }
}

extension OutputComparison {
  /// Whether the original knows the labels better than one class for all samples would; `false` without
  /// labels.
  var labelsTell: Bool { (accuracy?.a ?? 0) > (majorityShare ?? 0) }
}
