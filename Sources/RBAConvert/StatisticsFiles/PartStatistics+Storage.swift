import Planning
import Statistics

extension PartStatistics {
  /// One array of numbers among those that make up the moments, and what it is called in a file.
  struct Part {
    let name: String
    let shape: [Int]
    let isNonNegative: Bool

    fileprivate init<Moments>(_ stored: StoredArray<Moments>, _ prefix: String = "") {
      name = prefix + stored.name
      shape = stored.shape
      isNonNegative = stored.isNonNegative
    }
  }

  /// What the arrays of each kind of moments are called, before their own names.
  private static let meansPrefix = "means."
  private static let patchesPrefix = "patches."

  /// The arrays that moments of `pairs` consist of, in a fixed order. A further kind of moments is a
  /// line more here, in `init` and in `takeApart`.
  static func parts(width: Int, pairs: [PointPair], kinds: MomentKinds) -> [Part] {
    let tokens = StreamMoments.parts(width: width, spans: pairs)
    var result = tokens.map { Part($0) }
    if kinds.contains(.samples) { result += tokens.map { Part($0, meansPrefix) } }
    if kinds.contains(.patches) {
      result += PatchMoments.parts(
        width: width, extent: ReplacementForm.kernelExtent, spans: pairs.spans
      ).map { Part($0, patchesPrefix) }
    }
    return result
  }

  /// A matrix of sums of products, and the arrays of sums of squares that bound them.
  struct Products {
    let name: String
    /// Of what its rows are: a list, or a matrix with them on its diagonal.
    let rowSquares: String
    /// Of what its columns are: the same, or one sum over all of them.
    let columnSquares: String

    /// Whether rows and columns are of the same.
    var isGram: Bool { rowSquares == columnSquares }
  }

  /// The products among the arrays that moments of `pairs` consist of.
  static func products(pairs: [PointPair], kinds: MomentKinds) -> [Products] {
    func tokens(_ prefix: String) -> [Products] {
      StreamMoments.kept(for: pairs).pairs.map { pair in
        Products(
          name: "\(prefix)products.\(pair.from).\(pair.to)",
          rowSquares: "\(prefix)squares.\(pair.from)",
          columnSquares: "\(prefix)squares.\(pair.to)")
      }
    }
    var result = tokens("")
    if kinds.contains(.samples) { result += tokens(meansPrefix) }
    guard kinds.contains(.patches) else { return result }
    let (starts, spans) = PatchMoments.kept(for: pairs.spans)
    let products = patchesPrefix + "products"
    for start in starts {
      let name = "\(products).\(start)"
      result.append(Products(name: name, rowSquares: name, columnSquares: name))
    }
    for span in spans {
      let ends = "\(span.from).\(span.to)"
      result.append(
        Products(
          name: "\(products).\(ends)", rowSquares: "\(products).\(span.from)",
          columnSquares: "\(patchesPrefix)squares.\(ends)"))
    }
    return result
  }

  /// The moments of pairs of a stream's points, as a file has them.
  ///
  /// - Parameters:
  ///   - kinds: those of the stream's that are wanted.
  ///   - values: the array called so.
  init(
    _ stream: StatisticsHeader.Stream, _ part: SamplePart, pairs: [PointPair], kinds: MomentKinds,
    values: (String) -> [Double]
  ) {
    let (width, rows) = (stream.width, stream.rows[part])
    tokens = StreamMoments(
      width: width, spans: pairs, rowCount: rows, weight: stream.outliers?.weights[part]
    ) { values($0.name) }
    if kinds.contains(.samples), let means = stream.means {
      // A sample weighs as many as it has tokens.
      samples = StreamMoments(
        width: width, spans: pairs, rowCount: means[part], weight: Double(rows)
      ) { values(Self.meansPrefix + $0.name) }
    }
    if kinds.contains(.patches), let patches = stream.patches {
      self.patches = PatchMoments(
        width: width, extent: ReplacementForm.kernelExtent, spans: pairs.spans,
        rowCount: patches[part]
      ) { values(Self.patchesPrefix + $0.name) }
    }
  }

  /// Hands over the arrays one after the other and lets go of each, so that they are never held twice.
  consuming func takeApart(_ take: (Part, [Double]) -> Void) {
    var rest = self
    var tokens = StreamMoments(width: rest.tokens.width, spans: [])
    swap(&tokens, &rest.tokens)
    tokens.takeApart { take(Part($0), $1) }
    if let samples = rest.samples.take() {
      samples.takeApart { take(Part($0, Self.meansPrefix), $1) }
    }
    if let patches = rest.patches.take() {
      patches.takeApart(extent: ReplacementForm.kernelExtent) {
        take(Part($0, Self.patchesPrefix), $1)
      }
    }
  }

  /// Adds what other data left, of the same kinds and for the same spans.
  mutating func merge(_ other: PartStatistics) {
    tokens.merge(other.tokens)
    if let means = other.samples { samples?.merge(means) }
    if let neighbourhoods = other.patches { patches?.merge(neighbourhoods) }
  }
}

extension [PointPair] {
  /// Those of two points.
  fileprivate var spans: [PointPair] { filter { $0.from < $0.to } }
}

extension StatisticsHeader.Stream {
  /// The moments that are held beside those of tokens.
  var kinds: MomentKinds {
    var kinds: MomentKinds = []
    if means != nil { kinds.insert(.samples) }
    if patches != nil { kinds.insert(.patches) }
    return kinds
  }
}

extension StatisticsHeader.Counts {
  subscript(part: SamplePart) -> Int { part == .fit ? fit : held }
}

extension StatisticsHeader.Weights {
  subscript(part: SamplePart) -> Double { part == .fit ? fit : held }
}
