import Planning
import Statistics

/// A span with the map that takes its place.
struct Choice: Sendable {
  let span: CandidateSpan
  let form: ReplacementForm
  let fit: Fit
  /// What replacing this span alone does to the outputs on held-out data: the mean of their relative
  /// errors. `nil` before it is measured.
  var damage: Double?
  /// Whether the map is yet to be fitted: `fit` passes over the span until then.
  private(set) var isUnfitted = false
  /// New numbers for weights before the span.
  var updates: [WeightUpdate] = []
  /// What those change at the span's start, for a span that is folded.
  var folding: SumChange?

  /// A span that is to be fitted in a form once its values are at hand.
  init(unfitted member: SpanSet.Member) {
    span = member.span
    form = member.form
    fit = Fit.unfitted
    isUnfitted = ![.identity, .folded].contains(form)
  }

  /// A span that is passed over, with the step before it solved anew where `folding` says how: folded
  /// where new numbers are stored, else no more than passed over.
  init(_ span: CandidateSpan, _ fit: Fit, folding: SumChange?, updates: [WeightUpdate]) {
    self.span = span
    self.fit = fit
    self.folding = folding
    self.updates = updates
    form = updates.isEmpty ? .identity : .folded
  }

  init(_ span: CandidateSpan, _ fit: Fit, damage: Double? = nil) {
    self.span = span
    self.fit = fit
    self.damage = damage
    form =
      switch fit.map {
      case .identity: .identity
      case .bias: .bias
      case .diagonal: .diagonal
      case .lowRank: .lowRank
      // Only the published method's fit has no ridge.
      case .linear(_, bias: nil): fit.ridge > 0 ? .linearUnbiased : .leastSquares
      case .linear: .linear
      case .context: .context
      case .convolution: .convolution
      }
  }

  /// Numbers that the choice keeps.
  var numberCount: Int {
    updates.reduce(fit.map.parameterCount + (folding?.count ?? 0)) { $0 + $1.values.count }
  }

  var weights: ReplacementWeights {
    switch fit.map {
    case .identity: ReplacementWeights()
    case .bias(let bias): ReplacementWeights(bias: bias)
    case .diagonal(let scale, let bias): ReplacementWeights(weight: scale, bias: bias)
    case .lowRank(let down, let up, let bias):
      ReplacementWeights(weight: down, up: up, bias: bias)
    case .linear(let weight, let bias): ReplacementWeights(weight: weight, bias: bias)
    case .context(let weight, let context, let bias):
      ReplacementWeights(weight: weight, context: context, bias: bias)
    case .convolution(let kernel, let bias): ReplacementWeights(weight: kernel, bias: bias)
    }
  }

  func replacement(in streams: [ResidualStream]) -> ReplaceSpanWithLinear {
    ReplaceSpanWithLinear(
      span, form: form, weights: weights,
      mask: form == .context ? streams[span.stream].mask : nil)
  }
}
