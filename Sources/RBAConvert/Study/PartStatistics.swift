import Planning
import Statistics
import Tensors

/// The moments of a stream over a part of the samples.
struct PartStatistics: Sendable {
  var tokens: StreamMoments
  /// Of samples' means, each weighted by its number of tokens.
  var samples: StreamMoments?
  var patches: PatchMoments?

  /// No rows yet.
  init(width: Int, spans: [PointPair], kinds: MomentKinds) {
    tokens = StreamMoments(width: width, spans: spans)
    if kinds.contains(.samples) { samples = tokens }
    if kinds.contains(.patches) {
      patches = PatchMoments(width: width, extent: ReplacementForm.kernelExtent, spans: spans)
    }
  }

  /// Bytes that moments of `spans` take, or the largest `Int`.
  static func byteCount(
    width: Int, spans: some Collection<PointPair>, kinds: MomentKinds
  ) -> Int {
    let tokens = StreamMoments.byteCount(width: width, spans: spans)
    var total = tokens
    if kinds.contains(.samples) { total = saturatingSum(total, tokens) }
    if kinds.contains(.patches) {
      total = saturatingSum(
        total,
        PatchMoments.byteCount(
          width: width, extent: ReplacementForm.kernelExtent, spans: spans))
    }
    return total
  }

  /// Adds what a few samples give.
  ///
  /// - Throws: `NonFiniteValues`.
  mutating func add(_ piece: StreamPiece, threads: Int) throws {
    try piece.rows.points.withBuffers {
      try tokens.add($0, weights: piece.rows.weights, threads: threads)
    }
    if let means = piece.means {
      try means.points.withBuffers {
        try samples?.add($0, weights: means.weights, threads: threads)
      }
    }
    if let new = piece.patches {
      try patches?.add(features: new.features, differences: new.differences)
    }
  }
}

/// What the fits of one span are made from: moments over the samples fitted on, and over those held out.
struct SpanEvidence: Sendable {
  let fit: SpanMoments
  let held: SpanMoments
  var samples: (fit: SpanMoments, held: SpanMoments)?
  var patches: (fit: PatchSpanMoments, held: PatchSpanMoments)?

  /// - Parameter pair: points whose span was asked for.
  init(_ fit: PartStatistics, held: PartStatistics, _ pair: PointPair) {
    self.fit = fit.tokens.span(from: pair.from, to: pair.to)
    self.held = held.tokens.span(from: pair.from, to: pair.to)
    if let a = fit.samples, let b = held.samples {
      samples = (a.span(from: pair.from, to: pair.to), b.span(from: pair.from, to: pair.to))
    }
    if let a = fit.patches, let b = held.patches { patches = (a.span(pair), b.span(pair)) }
  }
}

/// What fits from one point share.
struct StartFactors: Sendable {
  let linear: Fits
  private(set) var context: ContextFits?
  private(set) var convolution: ConvolutionFits?

  /// - Parameter evidence: of any span that starts there.
  init(_ evidence: SpanEvidence) throws(Failure) {
    do {
      linear = try Fits(from: evidence.fit)
      if let samples = evidence.samples { context = try ContextFits(from: samples.fit) }
      if let patches = evidence.patches { convolution = try ConvolutionFits(from: patches.fit) }
    } catch { throw Failure(.internalFault, "factoring a Gram matrix: \(error)") }
  }
}

extension Study {
  /// The moments of a stream, beside those of tokens, that some form is fitted to.
  func momentKinds(of stream: ResidualStream) -> MomentKinds {
    var kinds: MomentKinds = []
    if allowsContext(stream) { kinds.insert(.samples) }
    if PatchSampling.isAffordable(stream) { kinds.insert(.patches) }
    return kinds
  }
}
