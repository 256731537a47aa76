import Execution
import Tensors

/// Some samples of a set, in their order there. Nothing is copied before it runs.
struct SampleSelection: Sendable {
  let samples: SampleSet
  let rows: [Int]

  var count: Int { rows.count }
  var feeds: [String: SampleRows] { samples.feeds.mapValues { SampleRows($0, rows: rows) } }
  var labels: ClassLabels? { samples.labels?.selecting(rows) }

  /// A number for each group of them, by first appearance: the same for equal ones.
  func kinds(group: Int = 1) -> [Int] {
    guard !samples.isSingle else { return rows }
    var known: [String: Int] = [:]
    return stride(from: 0, to: count, by: group).map { start in
      let key = digest(of: start..<min(start + group, count))
      let kind = known[key] ?? known.count
      known[key] = kind
      return kind
    }
  }

  /// SHA-256 of what they feed, in hexadecimal.
  func digest() -> String { digest(of: 0..<count) }

  private func digest(of places: Range<Int>) -> String {
    var digest = Digest()
    for (_, tensor) in samples.feeds.sorted(by: { $0.key < $1.key }) {
      if samples.isSingle {
        digest.update(tensor.region.bytes)
        continue
      }
      for row in rows[places] { digest.update(tensor.slice(row..<row + 1).region.bytes) }
    }
    return digest.finish()
  }

  /// How many groups differ from all others before them.
  func kindCount(group: Int = 1) -> Int { Set(kinds(group: group)).count }

  /// The part to fit on and the part that is held out, as the samples of a model run: groups stay whole
  /// where there are enough of them.
  func split(
    holding share: Double, _ batching: Batching
  ) -> (fit: SampleSelection, held: SampleSelection) {
    if batching == .whole { return splitInTwo(holding: share) }
    return split(holding: share, group: count >= 2 * batching.group ? batching.group : 1)
  }

  /// The part to fit on and the part that is held out: of each run of 1 / `share` different groups one is
  /// held, so that data sorted by class splits evenly, and not always at the same place of the run, so that
  /// data whose classes take turns does. Equal groups go together, for what is fitted on tells nothing of
  /// samples that are held out.
  ///
  /// - Parameter group: samples that stay together.
  func split(
    holding share: Double, group: Int = 1
  ) -> (fit: SampleSelection, held: SampleSelection) {
    let kinds = kinds(group: group)
    let kindCount = Set(kinds).count
    let held = Set(Int((Double(kindCount) * share).rounded(.down)).places(among: kindCount))
    func part(isHeld: Bool) -> SampleSelection {
      SampleSelection(
        samples: samples,
        rows: rows.indices.filter { held.contains(kinds[$0 / group]) == isHeld }.map { rows[$0] })
    }
    return (part(isHeld: false), part(isHeld: true))
  }

  /// The first samples to fit on, and the last, which are held out.
  func splitInTwo(
    holding share: Double, atLeast least: Int = 1
  ) -> (fit: SampleSelection, held: SampleSelection) {
    let held = min(max(Int((Double(count) * share).rounded()), least), max(count - 1, 0))
    return (
      SampleSelection(samples: samples, rows: Array(rows.dropLast(held))),
      SampleSelection(samples: samples, rows: Array(rows.suffix(held)))
    )
  }

  /// Leaves out the samples that do not fill the last of several groups, where what a sample gives may
  /// depend on the others.
  ///
  /// - Returns: how many were left out.
  mutating func removeRemainder(_ batching: Batching) -> Int {
    guard case .pieces(let size) = batching, count > size else { return 0 }
    let remainder = count % size
    self = SampleSelection(samples: samples, rows: rows.dropLast(remainder))
    return remainder
  }

  /// At most `limit` of them, spread evenly.
  ///
  /// - Parameter group: samples that stay together, where so many are wanted at all.
  func spread(_ limit: Int, group: Int = 1) -> SampleSelection {
    guard limit < count else { return self }
    let (size, chosen) = (limit < group ? 1 : group, limit < group ? limit : limit / group)
    let rows = chosen.places(among: (count + size - 1) / size).flatMap { index in
      self.rows[index * size..<min((index + 1) * size, count)]
    }
    return SampleSelection(samples: samples, rows: rows)
  }
}
