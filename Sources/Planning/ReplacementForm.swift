import Operators

/// The map T that takes a span's place: h_to := T(h_from).
package enum ReplacementForm: String, Sendable, Hashable, Codable, CaseIterable {
  /// T(x) = x.
  case identity
  /// T(x) = x + b.
  case bias
  /// T(x) = x ∘ a + b.
  case diagonal
  /// T(x) = x + (x U) V + b.
  case lowRank = "low-rank"
  /// T(x) = x A + b.
  case linear
  /// T(x) = x A, drawn toward x like the other forms: as many parameters as the published method's fit.
  case linearUnbiased = "linear-unbiased"
  /// T(x) = x A, the published method's fit.
  case leastSquares = "least-squares"
  /// T(x) = x A + x̄ B + b with x̄ the mean over the tokens of a sample.
  case context
  /// T(x) = a convolution of 3 × 3 with padding, and b.
  case convolution

  /// T(x) = x, where the last matrix of the step before the span has been solved anew so that x comes
  /// near h_to: no new parameters. Source: arXiv 2505.02819.
  case folded

  /// The kernel's extent of form `convolution`.
  package static let kernelExtent = 3

  /// How many numbers each part of a replacement holds; `nil` for a part that the form has not.
  ///
  /// - Parameters:
  ///   - d: the stream's width.
  ///   - r: the rank, for form `low-rank`.
  package func count(of part: ReplacementWeights.Part, width d: Int, rank r: Int) -> Int? {
    switch (self, part) {
    case (.identity, _), (.folded, _): nil
    case (.linearUnbiased, .bias), (.leastSquares, .bias): nil
    case (_, .bias): d
    case (.bias, _): nil
    case (.diagonal, .weight): d
    case (.lowRank, .weight), (.lowRank, .up): d * r
    case (.linear, .weight), (.linearUnbiased, .weight), (.leastSquares, .weight): d * d
    case (.context, .weight), (.context, .context): d * d
    case (.convolution, .weight): Self.kernelExtent * Self.kernelExtent * d * d
    default: nil
    }
  }

  /// Parameters that the replacement adds to the model.
  package func parameterCount(width d: Int, rank r: Int = 0) -> Int {
    ReplacementWeights.Part.allCases.reduce(0) {
      $0 + (count(of: $1, width: d, rank: r) ?? 0)
    }
  }

  /// Multiply-adds for one sample of `positions` tokens or pixels.
  package func multiplyAdds(width d: Int, rank r: Int = 0, positions: Int) -> Int {
    switch self {
    case .identity, .bias, .folded: 0
    case .diagonal: positions * d
    case .lowRank: positions * 2 * d * r
    case .linear, .linearUnbiased, .leastSquares: positions * d * d
    case .context: (positions + 1) * d * d
    case .convolution: positions * Self.kernelExtent * Self.kernelExtent * d * d
    }
  }

  /// What is wrong with a stream for the form, if anything is.
  package func objection(to stream: ResidualStream) -> String? {
    let shape = stream.type.shape
    switch self {
    case .context where stream.layout != .lastAxis || shape.count != 3:
      return "form 'context' takes a stream shaped [N, T, d], got \(shape)"
    case .convolution where stream.layout != .channels || shape.count != 4:
      return "form 'convolution' takes a stream shaped [N, d, H, W], got \(shape)"
    default: return nil
    }
  }
}

/// The numbers of a replacement; matrices are row-major, one row for each feature read.
package struct ReplacementWeights: Sendable, Hashable {
  /// What a form may have.
  package enum Part: String, CaseIterable, CodingKey, Sendable {
    case weight, up, context, bias
  }

  /// The multiplier: `[d]`, `[d, d]`, `[d, r]` of form `low-rank`, `[k, k, d, d]` of a convolution.
  package var weight: [Float]?
  /// Of form `low-rank`, what leads back from the rank: `[r, d]`.
  package var up: [Float]?
  /// The multiplier of the mean token: `[d, d]`.
  package var context: [Float]?
  /// What is added: `[d]`.
  package var bias: [Float]?

  package init(
    weight: [Float]? = nil, up: [Float]? = nil, context: [Float]? = nil, bias: [Float]? = nil
  ) {
    self.weight = weight
    self.up = up
    self.context = context
    self.bias = bias
  }

  package subscript(part: Part) -> [Float]? {
    switch part {
    case .weight: weight
    case .up: up
    case .context: context
    case .bias: bias
    }
  }

  /// Numbers in all parts.
  package var count: Int { Part.allCases.reduce(0) { $0 + (self[$1]?.count ?? 0) } }

  /// The rank that a multiplier `[d, r]` has.
  package func rank(width d: Int) -> Int { (weight?.count ?? 0) / max(d, 1) }
}
