import Planning
import Statistics
import Tensors

/// What another weight of a site changes the residual sum by.
struct SumChange: Sendable {
  let site: HealingSite
  /// Dᵀ, [d, k].
  private let change: [Float]
  /// δ, [d].
  private let shift: [Float]

  init(_ site: HealingSite, _ change: SiteChange) {
    self.site = site
    self.change = change.change.map { Float($0) }
    shift = change.shift.map { Float($0) }
  }

  /// Numbers that it keeps.
  var count: Int { change.count + shift.count }

  /// Some rows of sum + u D + δ, which stand for h_to where the span behind the sum is passed over.
  func rows(
    _ stream: ResidualStream, input: Tensor, from sum: Tensor, at places: [Int]
  ) -> [Float] {
    let inputs = site.rows(of: input, at: places, like: sum)
    let changes = timesTranspose(
      inputs, change, inputWidth: site.inputWidth, width: stream.width)
    var result = stream.rows(of: sum, at: places)
    for index in result.indices {
      result[index] += changes[index] + shift[index % stream.width]
    }
    return result
  }
}
