/// A number by which spans are ranked.
package enum Score: String, Sendable, Hashable, Codable, CaseIterable {
  /// −mean ‖h_to − h_from‖²; nearer zero is more redundant. Source: arXiv 2410.04941.
  case blockRedundancy = "block-redundancy"
  /// Mean cosine between h_from and h_to. Source: arXiv 2403.03853.
  case cosine
  /// Mean angle between h_from and h_to, as a fraction of π. Source: arXiv 2403.17887.
  case angularDistance = "angular-distance"
  /// Linear CKA of h_from and h_to. Source: Kornblith et al. 2019.
  case linearCKA = "linear-cka"
  /// The part of h_to's variance that the fitted map leaves unexplained.
  case relativeResidual = "relative-residual"
  /// What the replacement does to the model's outputs on held-out data.
  case outputDamage = "output-damage"

  /// Whether a greater number means that less is lost by replacing the span.
  package var growsWithRedundancy: Bool {
    switch self {
    case .blockRedundancy, .cosine, .linearCKA: true
    case .angularDistance, .relativeResidual, .outputDamage: false
    }
  }

  /// Whether a span of score `value` counts as redundant at `threshold`.
  package func accepts(_ value: Double, threshold: Double) -> Bool {
    growsWithRedundancy ? value >= threshold : value <= threshold
  }
}
