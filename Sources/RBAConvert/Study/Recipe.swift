import Planning

/// A published method for a number of blocks: which of them go, and what takes their place. Maps are
/// fitted on the original's values alone, and nothing is refitted or healed.
///
/// A block is an attention with its MLP where the two alternate. Of equals, the earlier go.
enum Recipe: String, Sendable, Hashable, CaseIterable {
  /// The blocks of greatest mean cosine over all tokens (least Block Influence) are dropped.
  /// Source: arXiv 2403.03853 (ShortGPT), equation 1.
  case shortGPT = "shortgpt"
  /// The blocks of Block Redundancy nearest 0 on the class token are dropped.
  /// Source: the score of arXiv 2410.04941, without its map.
  case blockRedundancy = "block-redundancy"
  /// The blocks of Block Redundancy nearest 0 on the class token, but never the first, are each replaced
  /// by plain least squares over all tokens. Source: arXiv 2410.04941 (TOAST), equations 1 and 2.
  case toast
  /// The run of blocks with the least angle between its ends, at the last token, is dropped.
  /// Source: arXiv 2403.17887 (The Unreasonable Ineffectiveness of the Deeper Layers), equation 7.
  case deeperLayers = "deeper-layers"
  /// The run of blocks with the least cosine distance between its ends over all tokens is replaced by
  /// plain least squares folded into the MLP before it. Source: arXiv 2505.02819 (ReplaceMe), section 3.
  case replaceMe = "replaceme"

  /// What ranks the candidates.
  var score: Score {
    switch self {
    case .shortGPT, .replaceMe: .cosine
    case .blockRedundancy, .toast: .blockRedundancy
    case .deeperLayers: .angularDistance
    }
  }

  /// Where the paper takes its score.
  var positions: ScoredPositions {
    switch self {
    case .shortGPT, .replaceMe: .all
    case .blockRedundancy, .toast: .token(0)
    case .deeperLayers: .lastToken
    }
  }

  /// Whether the blocks stand in one run.
  var isContiguous: Bool {
    switch self {
    case .shortGPT, .blockRedundancy, .toast: false
    case .deeperLayers, .replaceMe: true
    }
  }

  /// Whether a stream's first block always stays.
  private var sparesFirstBlock: Bool { self == .toast || self == .replaceMe }

  /// What takes the blocks' place.
  var form: ReplacementForm {
    switch self {
    case .shortGPT, .blockRedundancy, .deeperLayers: .identity
    case .toast: .leastSquares
    case .replaceMe: .folded
    }
  }

  /// The spans that are scored for so many blocks.
  ///
  /// - Throws: `Failure` where the streams have no so many blocks.
  func candidates(
    blocks: Int, in streams: [ResidualStream]
  ) throws(Failure) -> [CandidateSpan] {
    func candidates(_ count: Int) -> [CandidateSpan] {
      CandidateSpan.ofBlocks(count...count, in: streams)
        .filter { !sparesFirstBlock || $0.from > 0 }
    }
    let spared = sparesFirstBlock ? 1 : 0
    let most =
      isContiguous ? (streams.map(\.blockCount).max() ?? 0) - spared : candidates(1).count
    guard most > 0 else {
      throw Failure(.usage, "--recipe \(rawValue): the model has no block that it could replace")
    }
    guard (1...most).contains(blocks) else {
      throw Failure(.usage, "--blocks: expected a number from 1 to \(most), got \(blocks)")
    }
    return candidates(isContiguous ? blocks : 1)
  }

  /// The spans that go, by position.
  func spans(
    blocks: Int, over positions: ScoredPositions?, in study: Study
  ) throws(Failure) -> [CandidateSpan] {
    let scores = try study.publishedScores(
      of: try candidates(blocks: blocks, in: study.streams), over: positions ?? self.positions,
      withCKA: false, memory: 0)
    return choose(scores.map { ($0.span, $0.value(of: score)) }, blocks: blocks)
  }

  /// The best of the candidates, as many as go, by position.
  func choose(
    _ candidates: [(span: CandidateSpan, value: Double)], blocks: Int
  ) -> [CandidateSpan] {
    let sign = score.growsWithRedundancy ? -1.0 : 1
    return candidates.sorted {
      (sign * $0.value, $0.span.stream, $0.span.from)
        < (sign * $1.value, $1.span.stream, $1.span.from)
    }
    .prefix(isContiguous ? 1 : blocks).map(\.span)
    .sorted { ($0.stream, $0.from) < ($1.stream, $1.from) }
  }
}

extension Selector {
  /// What is chosen where nothing is left to choose: a recipe's spans, or spans with the published fit.
  /// `nil` for every other goal.
  func published(_ goal: Goal, _ clock: inout PhaseClock) throws(Failure) -> Selection? {
    switch goal {
    case .nothing: return try exact([], &clock)
    case .recipe(let recipe, let blocks, let positions):
      var selector = self
      selector.policy.form = recipe.form
      selector.policy.isLeastSquares = true
      let spans = try recipe.spans(blocks: blocks, over: positions, in: study)
      clock.mark("scoring")
      return try selector.exact(spans, &clock)
    case .spans(let spans) where policy.isLeastSquares:
      var selector = self
      selector.policy.form = policy.form ?? .leastSquares
      return try selector.exact(spans, &clock)
    default: return nil
    }
  }

  /// Maps of the policy's form, each fitted on the original's values.
  private func exact(
    _ spans: [CandidateSpan], _ clock: inout PhaseClock
  ) throws(Failure) -> Selection {
    let sweep = SpanSweep(study: study, policy: policy, memory: memory)
    let choices = try sweep.best(spans, &clock)
    let measurement = try study.compare(with: try study.rewritten(choices))
    clock.mark("choosing")
    return Selection(
      choices: choices, measurement: measurement, frontier: [], seconds: clock.seconds)
  }
}
