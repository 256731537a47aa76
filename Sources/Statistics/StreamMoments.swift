import Tensors

/// Second moments of the values at several points of a stream, for the spans that are asked for.
///
/// The rows are tokens or pixels: every point has the same number, of the same width d. Moments are
/// central: for points i and j, S_ij = Σ (x_i − mean x_i)ᵀ (x_j − mean x_j), shape [d, d]. Kept are
/// those of each span's first point with itself and with the last; of all points the diagonals.
///
/// Precision: the products of the rows that are added at once are sums in float about their own mean,
/// so that a mean far from zero costs no digits; totals are in double. Rows may have weights w: every
/// sum over rows is then one of w times the row's term, means included.
/// Source: Chan, Golub, LeVeque 1979, the pairwise update of sums of squares.
package struct StreamMoments: Sendable {
  package let width: Int
  /// The points that are observed, ascending.
  package let points: [Int]
  package internal(set) var rowCount = 0
  /// The sum of the rows' weights: their number where none was given.
  package internal(set) var weight = 0.0
  var means: [[Double]]
  /// Σ (x − mean)² of each point's features.
  var squares: [[Double]]
  /// The products that are kept, as positions in `points`.
  let pairs: [PointPair]
  private let positions: [PointPair: Int]
  var products: [[Double]]

  /// No rows yet.
  package init(width: Int, spans: [PointPair]) {
    precondition(width > 0)
    self.width = width
    let (points, kept) = Self.kept(for: spans)
    self.points = points
    let position = Dictionary(uniqueKeysWithValues: points.enumerated().map { ($1, $0) })
    let pairs = kept.map { PointPair(position[$0.from]!, position[$0.to]!) }
    self.pairs = pairs
    positions = Dictionary(uniqueKeysWithValues: pairs.enumerated().map { ($1, $0) })
    means = Array(repeating: Array(repeating: 0, count: width), count: points.count)
    squares = means
    products = Array(
      repeating: Array(repeating: 0, count: width * width), count: pairs.count)
  }

  /// The points that are observed for `spans`, and the pairs of points whose products are kept, both
  /// ascending.
  package static func kept(for spans: [PointPair]) -> (points: [Int], pairs: [PointPair]) {
    (
      Set(spans.flatMap { [$0.from, $0.to] }).sorted(),
      Set(spans + spans.map { PointPair($0.from, $0.from) })
        .sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    )
  }

  /// Bytes that the moments of `spans` take, or the largest `Int`.
  package static func byteCount(width: Int, spans: some Sequence<PointPair>) -> Int {
    var pairs = Set<PointPair>()
    for span in spans { pairs.formUnion([span, PointPair(span.from, span.from)]) }
    return saturatingProduct([pairs.count, width, width, MemoryLayout<Double>.stride])
  }

  /// Adds rows of all `points`, in their order. The same rows, added in the same pieces, give the same
  /// bits for any number of threads.
  ///
  /// - Parameter weights: one for each row, none below zero; 1 each where `nil`.
  /// - Throws: `NonFiniteValues` naming the first point that holds NaN or infinity, or whose
  ///   products overflow.
  package mutating func add(
    _ values: [UnsafeBufferPointer<Float>], weights: [Float]? = nil, threads: Int = 1
  ) throws(NonFiniteValues) {
    precondition(values.count == points.count)
    let rows = values.first.map { $0.count / width } ?? 0
    precondition(values.allSatisfy { $0.count == rows * width })
    precondition(weights.map { $0.count == rows } ?? true)
    let added = weights?.reduce(0) { $0 + Double($1) } ?? Double(rows)
    guard added > 0 else { return }
    let centred = Self.centred(values, width, weights, threads)
    if let index = centred.firstIndex(where: { !$0.isFinite }) {
      throw NonFiniteValues(point: points[index])
    }
    let total = weight + added
    let shifts = zip(centred, means).map { new, old in zip(new.mean, old).map { $0 - $1 } }
    // Before the first rows there is no mean to differ from.
    let balance = weight * added / total
    addProducts(centred, shifts, balance, threads)
    let share = added / total
    for point in points.indices {
      for k in 0..<width {
        let shift = shifts[point][k]
        squares[point][k] += centred[point].squares[k] + balance * shift * shift
        means[point][k] += share * shift
      }
    }
    rowCount += rows
    weight = total
  }

  private static func centred(
    _ values: [UnsafeBufferPointer<Float>], _ width: Int, _ weights: [Float]?, _ threads: Int
  ) -> [CentredRows] {
    [CentredRows](unsafeUninitializedCapacity: values.count) { result, count in
      // Each index is written once, by one thread.
      nonisolated(unsafe) let (result, values) = (result, values)
      forEachIndex(below: values.count, threads: threads) { index in
        result.initializeElement(
          at: index, to: CentredRows(values[index], width: width, weights: weights))
      }
      count = values.count
    }
  }

  private mutating func addProducts(
    _ centred: [CentredRows], _ shifts: [[Double]], _ weight: Double, _ threads: Int
  ) {
    let pairs = pairs
    products.withUnsafeMutableBufferPointer { products in
      // Each product is changed by one thread.
      nonisolated(unsafe) let products = products
      forEachIndex(below: pairs.count, threads: threads) { index in
        let (from, to) = (pairs[index].from, pairs[index].to)
        products[index].add(centred[from], centred[to], shifts[from], shifts[to], weight)
      }
    }
  }

  /// What a fit from one point to another needs; the points are those of a span asked for.
  package func span(from: Int, to: Int) -> SpanMoments {
    guard let x = points.firstIndex(of: from), let y = points.firstIndex(of: to),
      let cross = positions[PointPair(x, y)], let gram = positions[PointPair(x, x)]
    else { preconditionFailure("no products kept for points \(from) and \(to)") }
    return SpanMoments(
      width: width, weight: weight, meanX: means[x], meanY: means[y], xx: products[gram],
      xy: products[cross], traceYY: squares[y].reduce(0, +))
  }
}

/// Two points of a stream, the earlier one first.
package struct PointPair: Hashable, Sendable {
  package let from: Int
  package let to: Int

  package init(_ from: Int, _ to: Int) {
    precondition(from <= to)
    self.from = from
    self.to = to
  }
}

/// Central moments of X and Y: all that a linear fit of Y on X depends on.
package struct SpanMoments: Sendable {
  package let width: Int
  /// The sum of the rows' weights.
  package let weight: Double
  package let meanX: [Double]
  package let meanY: [Double]
  /// XᵀX, shape [d, d].
  package let xx: [Double]
  /// XᵀY, shape [d, d].
  package let xy: [Double]
  /// Σ over rows and columns of Y².
  package let traceYY: Double

  /// Σ over rows and columns of (Y − X)², central.
  package var traceDifference: Double {
    let traces = (0..<width).reduce(0.0) { sum, k in
      sum + xx[k * width + k] - 2 * xy[k * width + k]
    }
    return max(traces + traceYY, 0)
  }
}
