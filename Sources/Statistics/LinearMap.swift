/// What a span is replaced by: y = x W + b for row vectors x, in its cheapest exact form.
package enum LinearMap: Sendable, Equatable {
  case identity
  case bias([Float])
  /// y = x ∘ scale + bias.
  case diagonal(scale: [Float], bias: [Float])
  /// `weight` is [d, d], row-major; without `bias` for the paper's fit.
  case linear(weight: [Float], bias: [Float]?)

  /// Numbers to store.
  package var parameterCount: Int {
    switch self {
    case .identity: 0
    case .bias(let bias): bias.count
    case .diagonal(let scale, let bias): scale.count + bias.count
    case .linear(let weight, let bias): weight.count + (bias?.count ?? 0)
    }
  }

  /// Applies the map to rows of `width`.
  package func callAsFunction(_ rows: [Float], width: Int) -> [Float] {
    var result = rows
    switch self {
    case .identity: break
    case .bias(let bias):
      for index in rows.indices { result[index] += bias[index % width] }
    case .diagonal(let scale, let bias):
      for index in rows.indices {
        result[index] = rows[index] * scale[index % width] + bias[index % width]
      }
    case .linear(let weight, let bias):
      result = multiply(rows, weight, width: width)
      if let bias { for index in result.indices { result[index] += bias[index % width] } }
    }
    return result
  }
}

/// A map fitted to moments, with how well it does on moments it was not fitted to.
package struct Fit: Sendable {
  package let map: LinearMap
  /// The ridge's strength relative to the mean diagonal of XᵀX; 0 where there is none.
  package let ridge: Double
  /// ‖Y − (X W + b)‖² over the held-out rows.
  package let heldResidual: Double
  /// The share of the held-out rows' variance that the map explains; 0 where a constant is missed.
  package let heldR2: Double

  init(_ map: LinearMap, ridge: Double = 0, heldResidual: Double, held: SpanMoments) {
    self.map = map
    self.ridge = ridge
    self.heldResidual = max(heldResidual, 0)
    let unexplained = self.heldResidual > 0 ? self.heldResidual / held.traceYY : 0
    self.heldR2 = unexplained.isFinite ? 1 - unexplained : 0
  }
}
