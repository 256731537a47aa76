extension PatchMoments {
  /// All that is to be stored beside the number of rows, in a fixed order.
  package static func parts(
    width: Int, extent: Int, spans: [PointPair]
  ) -> [StoredArray<PatchMoments>] {
    let features = extent * extent * width
    let (starts, spans) = kept(for: spans)
    var result: [StoredArray<PatchMoments>] = []
    for (index, start) in starts.enumerated() {
      result.append(StoredArray("mean.\(start)", [features], \.meanFeatures[index]))
      result.append(StoredArray("products.\(start)", [features, features], \.grams[index]))
    }
    for (index, span) in spans.enumerated() {
      let name = "\(span.from).\(span.to)"
      result.append(StoredArray("mean.\(name)", [width], \.meanDifferences[index]))
      result.append(StoredArray("products.\(name)", [features, width], \.crosses[index]))
      result.append(StoredArray("squares.\(name)", [1], \.[traceOf: index], isNonNegative: true))
    }
    return result
  }

  /// A span's trace, as a list of one.
  fileprivate subscript(traceOf index: Int) -> [Double] {
    get { [traces[index]] }
    set { traces[index] = newValue.first ?? 0 }
  }

  /// The moments that `rowCount` rows left, each part as `values` gives it in the part's size.
  package init<Failure: Error>(
    width: Int, extent: Int, spans: [PointPair], rowCount: Int,
    values: (StoredArray<PatchMoments>) throws(Failure) -> [Double]
  ) throws(Failure) {
    self.init(width: width, extent: extent, spans: spans)
    for part in Self.parts(width: width, extent: extent, spans: spans) {
      let stored = try values(part)
      precondition(stored.count == part.shape.reduce(1, *), "part \(part.name) has another size")
      self[keyPath: part.path] = stored
    }
    weight = Double(rowCount)
  }

  /// Hands over the parts one after the other and lets go of each, so that they are never held twice.
  package consuming func takeApart<Failure: Error>(
    extent: Int, _ take: (StoredArray<PatchMoments>, [Double]) throws(Failure) -> Void
  ) throws(Failure) {
    var rest = self
    for part in Self.parts(width: rest.width, extent: extent, spans: rest.spans) {
      try take(part, rest[keyPath: part.path])
      rest[keyPath: part.path] = []
    }
  }

  /// Adds what other rows left, of the same width and for the same spans. The same moments in the same
  /// order give the same bits.
  ///
  /// Precision, source: as `StreamMoments.merge`.
  package mutating func merge(_ other: PatchMoments) {
    precondition(
      width == other.width && featureCount == other.featureCount && spans == other.spans)
    guard other.weight > 0 else { return }
    let total = weight + other.weight
    let share = other.weight / total
    let balance = weight * share
    let shifts = zip(other.meanFeatures, meanFeatures).map { new, old in
      zip(new, old).map { $0 - $1 }
    }
    for index in starts.indices {
      grams[index].add(other.grams[index], shifts[index], shifts[index], balance)
    }
    for (index, span) in spans.enumerated() {
      guard let start = starts.firstIndex(of: span.from) else { continue }
      let shift = zip(other.meanDifferences[index], meanDifferences[index]).map { $0 - $1 }
      crosses[index].add(other.crosses[index], shifts[start], shift, balance)
      traces[index] += other.traces[index]
      for k in 0..<width {
        traces[index] += balance * shift[k] * shift[k]
        meanDifferences[index][k] += share * shift[k]
      }
    }
    for index in starts.indices {
      for k in 0..<featureCount { meanFeatures[index][k] += share * shifts[index][k] }
    }
    weight = total
  }
}
