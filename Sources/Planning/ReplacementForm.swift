/// The map T that takes a span's place: h_to := T(h_from), features mixed at each position alike.
package enum ReplacementForm: String, Sendable, Hashable, Codable, CaseIterable {
  /// T(x) = x.
  case identity
  /// T(x) = x + b.
  case bias
  /// T(x) = x ∘ a + b.
  case diagonal
  /// T(x) = x A + b.
  case linear
  /// T(x) = x A, the published method's fit.
  case leastSquares = "least-squares"

  /// Elements of the multiplier, `nil` where the form has none.
  package func weightCount(width d: Int) -> Int? {
    switch self {
    case .identity, .bias: nil
    case .diagonal: d
    case .linear, .leastSquares: d * d
    }
  }

  /// Whether the form adds a constant.
  package var hasBias: Bool {
    switch self {
    case .identity, .leastSquares: false
    case .bias, .diagonal, .linear: true
    }
  }

  /// Parameters that the replacement adds to the model.
  package func parameterCount(width d: Int) -> Int {
    (weightCount(width: d) ?? 0) + (hasBias ? d : 0)
  }

  /// Multiply-adds at one position.
  package func multiplyAdds(width d: Int) -> Int {
    switch self {
    case .identity, .bias: 0
    case .diagonal: d
    case .linear, .leastSquares: d * d
    }
  }
}

/// The numbers of a replacement.
package struct ReplacementWeights: Sendable, Hashable {
  /// The multiplier: `[d]`, or row-major `[d, d]` whose rows are the features read.
  package var weight: [Float]?
  /// What is added: `[d]`.
  package var bias: [Float]?

  package init(weight: [Float]? = nil, bias: [Float]? = nil) {
    self.weight = weight
    self.bias = bias
  }
}
