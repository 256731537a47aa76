extension StreamMoments {
  /// Adds what other rows left, of the same width and for the same spans. The same moments in the same
  /// order give the same bits.
  ///
  /// Precision: double; the result differs from the moments of all rows by what float rounding does to
  /// their products.
  /// Source: Chan, Golub, LeVeque 1979, the pairwise update of sums of squares.
  package mutating func merge(_ other: StreamMoments) {
    precondition(width == other.width && points == other.points && pairs == other.pairs)
    guard other.weight > 0 else { return }
    let total = weight + other.weight
    let share = other.weight / total
    let shifts = zip(other.means, means).map { new, old in zip(new, old).map { $0 - $1 } }
    // Before the first rows there is no mean to differ from.
    let balance = weight * share
    for (index, pair) in pairs.enumerated() {
      products[index].add(
        other.products[index], shifts[pair.from], shifts[pair.to], balance)
    }
    for point in points.indices {
      for k in 0..<width {
        let shift = shifts[point][k]
        squares[point][k] += other.squares[point][k] + balance * shift * shift
        means[point][k] += share * shift
      }
    }
    rowCount += other.rowCount
    weight = total
  }
}
