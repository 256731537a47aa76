import Glibc

/// How the outputs of one model differ from those of another, over samples that stream by.
///
/// Sums run in double in the order of the samples; equal bits for equal samples whatever the batches.
package struct OutputComparison: Sendable {
  package private(set) var sampleCount = 0
  package private(set) var maxAbsoluteError = 0.0
  /// The smallest t with |b − a| ≤ t + t·|a| everywhere.
  package private(set) var minimumTolerance = 0.0
  private var absoluteSum = 0.0
  private var elementCount = 0
  private var squaredError = 0.0
  /// Over samples, of their squared errors e and their shares s of the scatter: Σ e², Σ e s, Σ s².
  private var moments = (errors: 0.0, mixed: 0.0, shares: 0.0)
  private var worstSquaredError = 0.0
  /// Means of the first model's outputs over all samples to come, where they are known.
  private let knownMeans: [Double]?
  /// Whether one model alone has a NaN or +∞ somewhere. A score of −∞ is that of a class which is none.
  package private(set) var isBroken = false
  private var cosineSum = 0.0
  /// Of each element's finite values.
  private var means: [Double] = []
  /// Σ (a − mean)² per element, by Welford's update, over the same.
  private var scatter: [Double] = []
  /// How many values of each element are not finite; empty while none is.
  private var gaps: [Int] = []
  private var agreements = 0
  private var correct = (a: 0, b: 0, both: 0)
  private var labelled = 0
  private var labelCounts: [Int: Int] = [:]
  package let countsClasses: Bool

  /// - Parameters:
  ///   - countsClasses: whether the output is [N, classes], one score per class.
  ///   - knownMeans: of each element of the first model's output over all samples to come, if that is known
  ///     beforehand; without them what the outputs vary is taken as exact where the bound of
  ///     `relativeError` is asked for.
  package init(countsClasses: Bool, knownMeans: [Double]? = nil) {
    self.countsClasses = countsClasses
    self.knownMeans = knownMeans
  }

  /// Adds one sample's output of both models, and its class where that is known.
  ///
  /// A NaN that stands in both counts as equal; one that stands in one makes every error infinite.
  package mutating func add(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>, label: Int?) {
    precondition(a.count == b.count)
    if means.isEmpty {
      means = Array(repeating: 0, count: a.count)
      scatter = means
    }
    precondition(means.count == a.count && knownMeans?.count ?? a.count == a.count)
    sampleCount += 1
    elementCount += a.count
    var (error, share) = (0.0, 0.0)
    var (dot, normA, normB) = (0.0, 0.0, 0.0)
    for (index, pair) in zip(a, b).enumerated() {
      let (x, y) = (Double(pair.0), Double(pair.1))
      let difference = Self.absoluteError(x, y)
      maxAbsoluteError = max(maxAbsoluteError, difference)
      if difference == .infinity, !(x < .infinity && y < .infinity) { isBroken = true }
      if difference > 0 {
        let tolerance = difference.isFinite ? difference / (1 + abs(x)) : .infinity
        minimumTolerance = max(minimumTolerance, tolerance)
      }
      absoluteSum += difference
      error += difference * difference
      if x.isFinite {
        let count = gaps.isEmpty ? sampleCount : sampleCount - gaps[index]
        let delta = x - means[index]
        means[index] += delta / Double(count)
        scatter[index] += delta * (x - means[index])
        if let knownMeans { share += (x - knownMeans[index]) * (x - knownMeans[index]) }
      } else {
        if gaps.isEmpty { gaps = Array(repeating: 0, count: means.count) }
        gaps[index] += 1
      }
      // An infinity that both have has no length to compare.
      if difference == 0 && !x.isFinite { continue }
      dot += x * y
      normA += x * x
      normB += y * y
    }
    squaredError += error
    moments.errors += error * error
    moments.mixed += error * share
    moments.shares += share * share
    worstSquaredError = max(worstSquaredError, error)
    let cosine = dot / (normA * normB).squareRoot()
    cosineSum += normA == normB && dot == normA ? 1 : cosine.isNaN ? 0 : cosine
    if countsClasses { count(a, b, label) }
  }

  /// |b − a|: 0 where both are NaN or the same infinity, infinite where one of them alone is.
  package static func absoluteError(_ a: Double, _ b: Double) -> Double {
    if a == b || (a.isNaN && b.isNaN) { return 0 }
    let error = abs(b - a)
    return error.isNaN ? .infinity : error
  }

  private mutating func count(
    _ a: ArraySlice<Float>, _ b: ArraySlice<Float>, _ label: Int?
  ) {
    let (topA, topB) = (Self.largest(a), Self.largest(b))
    if topA == topB { agreements += 1 }
    guard let label else { return }
    labelled += 1
    labelCounts[label, default: 0] += 1
    if topA == label { correct.a += 1 }
    if topB == label { correct.b += 1 }
    if topA == label, topB == label { correct.both += 1 }
  }

  /// The first index of the largest value.
  private static func largest(_ values: ArraySlice<Float>) -> Int {
    var best = (index: 0, value: -Float.infinity)
    for (index, value) in values.enumerated() where value > best.value { best = (index, value) }
    return best.index
  }

  package var meanAbsoluteError: Double {
    elementCount == 0 ? 0 : absoluteSum / Double(elementCount)
  }

  /// ‖b − a‖² / ‖a − mean(a)‖², the mean taken per element over samples: 0 for equal outputs, infinite
  /// where outputs differ that do not vary.
  package var relativeError: Double {
    guard squaredError > 0 else { return 0 }
    let total = totalScatter
    return total > 0 ? squaredError / total : .infinity
  }

  /// Elements of each sample's output; `nil` as long as none was added.
  package var elementsPerSample: Int? { sampleCount == 0 ? nil : means.count }

  /// Whether any value is finite in the first model's outputs: without one, nothing is compared.
  package var hasFiniteValues: Bool {
    elementCount == 0 || gaps.isEmpty || gaps.contains { $0 < sampleCount }
  }

  /// ‖a − mean(a)‖², the mean taken per element over samples; values that are not finite are left out.
  package var totalScatter: Double { scatter.reduce(0, +) }

  /// The mean over samples of the cosine between both outputs; 0 where a sample's has no meaning.
  package var cosine: Double { sampleCount == 0 ? 1 : cosineSum / Double(sampleCount) }

  /// The share of samples with the same largest class; `nil` for outputs that are no class scores, or no
  /// finite numbers in the first model.
  package var top1Agreement: Double? {
    countsClasses && sampleCount > 0 && hasFiniteValues
      ? Double(agreements) / Double(sampleCount) : nil
  }

  /// The share of labelled samples that each model classifies rightly; `nil` where the first has no finite
  /// numbers.
  package var accuracy: (a: Double, b: Double)? {
    guard labelled > 0, hasFiniteValues else { return nil }
    return (Double(correct.a) / Double(labelled), Double(correct.b) / Double(labelled))
  }

  /// The accuracy of one class for all samples: the share of the most frequent label.
  package var majorityShare: Double? {
    labelCounts.values.max().map { Double($0) / Double(labelled) }
  }

  // MARK: What other samples may give

  // Samples are taken as drawn independently, but for each being there `repetition` times.

  /// What lies so many standard errors above `relativeError`, once one more sample as bad as the worst is
  /// counted: none worse seen does not mean that there are none. Infinite where the first model's outputs
  /// do not vary.
  ///
  /// A ratio of sums, by the delta method (Cochran, Sampling Techniques, 1977, §6): each sample's error
  /// against its share of the scatter. On a logarithmic scale, since few samples may have most of the
  /// error. Beyond that one sample may be lost whole, as happens to one of some hundred where a network
  /// amplifies what it is off by: its error is then its share of the scatter, or as much as that of all
  /// samples together where that is less.
  package func relativeErrorBound(standardErrors: Double, repetition: Double = 1) -> Double {
    guard squaredError > 0 else { return 0 }
    let total = totalScatter
    guard squaredError.isFinite, total > 0 else { return .infinity }
    let worst = repetition * worstSquaredError
    let ratio = (squaredError + worst) / total
    let variance =
      moments.errors + worst * worstSquaredError - 2 * ratio * moments.mixed
      + ratio * ratio * moments.shares
    let deviation = (repetition * max(variance, 0)).squareRoot() / total
    let lost = min(relativeError, repetition / Double(sampleCount))
    return ratio * exp(standardErrors * deviation / ratio) + lost
  }

  /// Standard error of the share of samples whose largest class differs.
  package func disagreementDeviation(repetition: Double = 1) -> Double? {
    guard countsClasses, sampleCount > 0 else { return nil }
    return Self.deviation(
      ofShare: Double(sampleCount - agreements) / repetition, of: Double(sampleCount) / repetition)
  }

  /// Standard error of the difference of both accuracies: of samples that one model alone classifies
  /// rightly.
  package func accuracyDropDeviation(repetition: Double = 1) -> Double? {
    guard labelled > 0 else { return nil }
    let lost = Double(correct.a - correct.both) / repetition
    let won = Double(correct.b - correct.both) / repetition
    let count = Double(labelled) / repetition
    let drop = (lost - won) / count
    // One more of each: none seen does not mean that there are none.
    let variance = max((lost + won + 2) / (count + 2) - drop * drop, 0)
    return (variance / count).squareRoot()
  }

  /// Standard error of a share, after one more of each kind (Laplace): none seen does not mean that there
  /// are none.
  private static func deviation(ofShare part: Double, of whole: Double) -> Double {
    let share = (part + 1) / (whole + 2)
    return (share * (1 - share) / whole).squareRoot()
  }
}
