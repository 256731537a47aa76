package import GraphIR
import Tensors

/// The last linear node of a residual branch, whose weight may be solved anew.
///
///     sum = skip + branch,  branch = (u W + b) ∘ γ + c
///
/// with γ and c constant per feature. Of W, b, γ and c nothing else in the graph makes use, and the
/// values between the node and the sum are read on the way only: another W changes the sum by
/// u (W' − W) ∘ γ, and nothing else but by way of the sum.
package struct HealingSite: Sendable {
  /// What the sum's rows are products of.
  package enum Reading: Sendable, Hashable {
    /// Rows of the input's last axis.
    case rows
    /// The input's patches under a kernel, channel by channel, one row for each place of the output.
    case patches(kernel: [Int], strides: [Int], dilations: [Int], padsBegin: [Int])
  }

  /// A stored vector [d] that is added to the branch.
  package struct Bias: Sendable {
    /// An initializer, or what a `Constant` node gives.
    package let value: ValueID
    /// What a change of one of each element adds to the sum.
    package let factors: [Double]
  }

  package let node: NodeID
  /// The node's other factor, in which u's rows lie.
  package let input: ValueID
  package let reading: Reading
  /// The width k of u's rows.
  package let inputWidth: Int
  /// What is added to the skip.
  package let branch: ValueID
  /// The residual sum; the point itself, or what the point is the normalisation of.
  package let sum: ValueID
  /// An initializer, or what a `Constant` node gives.
  package let weight: ValueID
  /// Whether the weight is stored as [d, k] rather than [k, d].
  package let isTransposed: Bool
  /// What a change of one of the weight's elements adds to the sum for u = 1, by feature: γ, and the
  /// node's own factor.
  package let factors: [Double]
  package let bias: Bias?
  /// What is added to the branch beside u W ∘ γ, by feature: b ∘ γ + c.
  package let constant: [Double]

  /// The new contents of weight and bias once the sum is to change by u D + δ.
  ///
  /// - Parameters:
  ///   - change: Dᵀ, row-major [d, k]: zero for features whose factor is.
  ///   - shift: δ, zero where there is no bias and for features whose factor there is zero.
  ///   - graph: has the old contents.
  /// - Returns: `nil` where the new contents are not finite in float.
  package func updates(
    adding change: [Double], _ shift: [Double], in graph: Graph
  ) -> [WeightUpdate]? {
    let width = factors.count
    guard var numbers = graph.constant(weight)?.numbers else { return nil }
    for feature in 0..<width where factors[feature] != 0 {
      for row in 0..<inputWidth {
        let index = isTransposed ? feature * inputWidth + row : row * width + feature
        numbers[index] += change[feature * inputWidth + row] / factors[feature]
      }
    }
    var result = [WeightUpdate(weight: graph[weight].name, values: numbers.map { Float($0) })]
    if let bias, var numbers = graph.constant(bias.value)?.numbers {
      for feature in 0..<width where bias.factors[feature] != 0 {
        numbers[feature] += shift[feature] / bias.factors[feature]
      }
      result.append(WeightUpdate(weight: graph[bias.value].name, values: numbers.map { Float($0) }))
    }
    return result.allSatisfy { $0.values.allSatisfy(\.isFinite) } ? result : nil
  }
}

/// Why a step of a stream has no weight that may be solved anew.
package struct NoHealingSite: Error, Sendable, CustomStringConvertible {
  package let description: String
  init(_ reason: String) { description = reason }
}
