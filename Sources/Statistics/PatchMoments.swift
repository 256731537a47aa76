import Tensors

/// Moments of neighbourhoods: those that a convolution from one point of a stream to later ones needs.
///
/// A row is one position of one sample. Its features are the k · k · d values about the position at a
/// span's first point, its outputs what the d values at the position differ by at the last point.
///
/// Precision, source: as `StreamMoments`.
package struct PatchMoments: Sendable {
  package let width: Int
  /// Features of a row: k · k · d.
  package let featureCount: Int
  /// The spans, by first point and then last.
  package let spans: [PointPair]
  /// The spans' first points, ascending.
  package let starts: [Int]
  package internal(set) var weight = 0.0
  var meanFeatures: [[Double]]
  var meanDifferences: [[Double]]
  var grams: [[Double]]
  var crosses: [[Double]]
  var traces: [Double]

  /// No rows yet.
  package init(width: Int, extent: Int, spans: [PointPair]) {
    precondition(width > 0 && extent > 0)
    self.width = width
    let features = extent * extent * width
    featureCount = features
    (starts, self.spans) = Self.kept(for: spans)
    func zeros(_ count: Int, _ size: Int) -> [[Double]] {
      Array(repeating: Array(repeating: 0, count: size), count: count)
    }
    meanFeatures = zeros(starts.count, features)
    grams = zeros(starts.count, features * features)
    meanDifferences = zeros(self.spans.count, width)
    crosses = zeros(self.spans.count, features * width)
    traces = Array(repeating: 0, count: self.spans.count)
  }

  /// The first points and the spans, each once and ascending.
  package static func kept(for spans: [PointPair]) -> (starts: [Int], spans: [PointPair]) {
    (
      Set(spans.map(\.from)).sorted(),
      Set(spans).sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    )
  }

  /// Bytes that the moments of `spans` take, or the largest `Int`.
  package static func byteCount(
    width: Int, extent: Int, spans: some Sequence<PointPair>
  ) -> Int {
    let spans = Set(spans)
    let features = saturatingProduct([extent, extent, width])
    let size = MemoryLayout<Double>.stride
    return saturatingSum(
      saturatingProduct([Set(spans.map(\.from)).count, features, features, size]),
      saturatingProduct([spans.count, features, width, size]))
  }

  /// Adds rows: the features at each of `starts` and the differences over each of `spans`.
  ///
  /// - Throws: `NonFiniteValues` naming the first point whose numbers have no finite squares.
  package mutating func add(
    features: [[Float]], differences: [[Float]]
  ) throws(NonFiniteValues) {
    precondition(features.count == starts.count && differences.count == spans.count)
    let rows = (features.first?.count ?? 0) / featureCount
    guard rows > 0 else { return }
    let z = features.map { $0.withUnsafeBufferPointer { CentredRows($0, width: featureCount) } }
    let difference = differences.map {
      $0.withUnsafeBufferPointer { CentredRows($0, width: width) }
    }
    if let index = z.firstIndex(where: { !$0.isFinite }) {
      throw NonFiniteValues(point: starts[index])
    }
    if let index = difference.firstIndex(where: { !$0.isFinite }) {
      throw NonFiniteValues(point: spans[index].to)
    }
    let total = weight + Double(rows)
    let balance = weight * Double(rows) / total
    let share = Double(rows) / total
    let shifts = zip(z, meanFeatures).map { new, old in zip(new.mean, old).map { $0 - $1 } }
    for index in starts.indices {
      grams[index].add(z[index], z[index], shifts[index], shifts[index], balance)
    }
    for (index, span) in spans.enumerated() {
      let start = starts.firstIndex(of: span.from)!
      let shift = zip(difference[index].mean, meanDifferences[index]).map { $0 - $1 }
      crosses[index].add(z[start], difference[index], shifts[start], shift, balance)
      for k in 0..<width {
        traces[index] += difference[index].squares[k] + balance * shift[k] * shift[k]
        meanDifferences[index][k] += share * shift[k]
      }
    }
    for index in starts.indices {
      for k in 0..<featureCount { meanFeatures[index][k] += share * shifts[index][k] }
    }
    weight = total
  }

  /// Rows added, each of which weighs 1.
  package var rowCount: Int { Int(weight) }

  /// What a fit over a span asked for needs.
  package func span(_ span: PointPair) -> PatchSpanMoments {
    guard let index = spans.firstIndex(of: span), let start = starts.firstIndex(of: span.from)
    else { preconditionFailure("no products kept for points \(span.from) and \(span.to)") }
    return PatchSpanMoments(
      moments: DifferenceMoments(
        weight: weight, meanFeatures: meanFeatures[start],
        meanDifference: meanDifferences[index],
        gram: Matrix(rows: featureCount, columns: featureCount, grams[start]),
        cross: Matrix(rows: featureCount, columns: width, crosses[index]),
        trace: traces[index]))
  }
}

/// What a convolution from one point to another is fitted to.
package struct PatchSpanMoments: Sendable {
  let moments: DifferenceMoments
}
