/// What a span is replaced by: a map of rows x, in its cheapest exact form.
///
/// Matrices are row-major, one row for each feature read.
package enum LinearMap: Sendable, Equatable {
  /// y = x.
  case identity
  /// y = x + b.
  case bias([Float])
  /// y = x ∘ scale + bias.
  case diagonal(scale: [Float], bias: [Float])
  /// y = x + (x U) V + b with `down` = U [d, r] and `up` = V [r, d].
  case lowRank(down: [Float], up: [Float], bias: [Float])
  /// y = x W + b with W [d, d]; without `bias` where the fit has none.
  case linear(weight: [Float], bias: [Float]?)
  /// y = x W + x̄ C + b with W and C [d, d], x̄ the mean over the tokens of a sample.
  case context(weight: [Float], context: [Float], bias: [Float])
  /// y = P W + b with P the k × k neighbourhood of x, zero beyond the edges, and `kernel` = W
  /// [k, k, d, d].
  case convolution(kernel: [Float], bias: [Float])

  /// Numbers to store.
  package var parameterCount: Int {
    switch self {
    case .identity: 0
    case .bias(let bias): bias.count
    case .diagonal(let scale, let bias): scale.count + bias.count
    case .lowRank(let down, let up, let bias): down.count + up.count + bias.count
    case .linear(let weight, let bias): weight.count + (bias?.count ?? 0)
    case .context(let weight, let context, let bias): weight.count + context.count + bias.count
    case .convolution(let kernel, let bias): kernel.count + bias.count
    }
  }
}

/// A map fitted to moments, with how well it does on moments it was not fitted to.
package struct Fit: Sendable {
  package let map: LinearMap
  /// The ridge's strength relative to the mean diagonal of the Gram matrix; 0 where there is none.
  package let ridge: Double
  /// The map's squared error over the held-out rows.
  package let heldResidual: Double
  /// The share of the held-out rows' variance that the map explains; 0 where a constant is missed.
  package let heldR2: Double

  /// - Parameter scatter: Σ over the held-out rows of (Y − mean Y)².
  init(_ map: LinearMap, ridge: Double = 0, heldResidual: Double, scatter: Double) {
    self.map = map
    self.ridge = ridge
    self.heldResidual = max(heldResidual, 0)
    let unexplained = self.heldResidual > 0 ? self.heldResidual / scatter : 0
    self.heldR2 = unexplained.isFinite ? 1 - unexplained : 0
  }

  /// Stands for a map that is yet to be fitted.
  package static let unfitted = Fit(.identity, ridge: 0, heldResidual: .infinity, heldR2: .nan)

  init(_ map: LinearMap, ridge: Double, heldResidual: Double, heldR2: Double) {
    self.map = map
    self.ridge = ridge
    self.heldResidual = heldResidual
    self.heldR2 = heldR2
  }
}

extension Fit {
  /// The same map, made with another ridge.
  package func with(ridge: Double) -> Fit {
    Fit(map, ridge: ridge, heldResidual: heldResidual, heldR2: heldR2)
  }

  /// That of a span that is passed over.
  ///
  /// - Parameter scatter: Σ (h_to − mean)² over the held-out rows.
  package static func passingOver(ridge: Double, residual: Double, scatter: Double) -> Fit {
    Fit(.identity, ridge: ridge, heldResidual: residual, scatter: scatter)
  }
}
