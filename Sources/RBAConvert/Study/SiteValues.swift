import Planning
import Statistics
import Synchronization
import Tensors

/// u and the residual sum of all samples at a site, kept batch by batch as long as that is little: with
/// them the sum that another weight gives is known without another run.
struct SiteValues {
  let site: HealingSite
  private var batches: [(input: Tensor, sum: Tensor)] = []
  private var byteCount = 0
  /// Whether all were kept so far.
  private var isComplete: Bool

  /// Bytes that are kept at most.
  private let capacity: Int

  /// Nothing seen yet.
  ///
  /// Patches are not kept: to lay them out takes longer than to run the convolution.
  init(_ site: HealingSite, capacity: Int = 192 << 20) {
    self.site = site
    self.capacity = capacity
    isComplete = site.reading == .rows
  }

  /// Adds the next samples. Only of floats is the sum what a run would give but for rounding: a weight of
  /// another type is rounded more than u D.
  mutating func add(_ input: Tensor, sum: Tensor) {
    byteCount += input.byteCount + sum.byteCount
    isComplete = isComplete && byteCount <= capacity && sum.elementType == .float
    if isComplete { batches.append((input, sum)) } else { batches = [] }
  }

  /// The sum once it is changed, if at all; `nil` where not all that it takes was kept.
  func sum(_ stream: ResidualStream, changedBy change: SiteChange?, threads: Int) -> Tensor? {
    guard isComplete, !batches.isEmpty else { return nil }
    guard let change else { return Tensor.concatenating(batches.map(\.sum)) }
    let sumChange = SumChange(site, change)
    let results = Mutex(batches.map(\.sum))
    forEachIndex(below: batches.count, threads: threads) { index in
      let (input, sum) = batches[index]
      let rows = sumChange.rows(
        stream, input: input, from: sum, at: Array(0..<sum.count / stream.width))
      let changed = stream.tensor(fromRows: rows, like: sum)
      results.withLock { $0[index] = changed }
    }
    return Tensor.concatenating(results.withLock { $0 })
  }
}
