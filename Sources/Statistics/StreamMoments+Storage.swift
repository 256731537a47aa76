extension StreamMoments {
  /// All that is to be stored beside the rows' number and weight, in a fixed order.
  package static func parts(width: Int, spans: [PointPair]) -> [StoredArray<StreamMoments>] {
    let (points, pairs) = kept(for: spans)
    var result: [StoredArray<StreamMoments>] = []
    for (index, point) in points.enumerated() {
      result.append(StoredArray("mean.\(point)", [width], \.means[index]))
      result.append(
        StoredArray("squares.\(point)", [width], \.squares[index], isNonNegative: true))
    }
    for (index, pair) in pairs.enumerated() {
      result.append(
        StoredArray("products.\(pair.from).\(pair.to)", [width, width], \.products[index]))
    }
    return result
  }

  /// The moments that `rowCount` rows left, each part as `values` gives it in the part's size.
  ///
  /// - Parameter weight: the sum of the rows' weights; their number where `nil`.
  package init<Failure: Error>(
    width: Int, spans: [PointPair], rowCount: Int, weight: Double? = nil,
    values: (StoredArray<StreamMoments>) throws(Failure) -> [Double]
  ) throws(Failure) {
    self.init(width: width, spans: spans)
    for part in Self.parts(width: width, spans: spans) {
      let stored = try values(part)
      precondition(stored.count == part.shape.reduce(1, *), "part \(part.name) has another size")
      self[keyPath: part.path] = stored
    }
    self.rowCount = rowCount
    self.weight = weight ?? Double(rowCount)
  }

  /// The pairs of points whose products are kept, ascending.
  package var keptPairs: [PointPair] { pairs.map { PointPair(points[$0.from], points[$0.to]) } }

  /// Hands over the parts one after the other and lets go of each, so that they are never held twice.
  package consuming func takeApart<Failure: Error>(
    _ take: (StoredArray<StreamMoments>, [Double]) throws(Failure) -> Void
  ) throws(Failure) {
    var rest = self
    for part in Self.parts(width: rest.width, spans: rest.keptPairs) {
      try take(part, rest[keyPath: part.path])
      rest[keyPath: part.path] = []
    }
  }
}
