import Planning
import Statistics
import Synchronization

/// Which maps are fitted for a span.
struct FitPolicy: Sendable {
  /// One form, or every form that may pay where `nil`.
  var form: ReplacementForm?
  /// Whether linear maps are the paper's: least squares without bias or ridge.
  var isLeastSquares: Bool
  /// Forms of one span that are handed on at most: each is measured at the outputs.
  var mostForms = 4
  /// Of form `low-rank`, where only one is meant.
  var rank: Int?

  /// Reads `--form` and `--fit`.
  init(form: String, fit: String) throws(Failure) {
    switch fit {
    case "ridge": isLeastSquares = false
    case "least-squares": isLeastSquares = true
    default:
      throw Failure(.usage, "--fit: expected ridge or least-squares, got '\(fit)'")
    }
    guard form != "auto" else { return }
    guard let known = ReplacementForm(rawValue: form), known != .leastSquares else {
      let names = ReplacementForm.allCases.filter { $0 != .leastSquares }.map(\.rawValue)
      throw Failure(
        .usage, "--form: expected auto, \(names.joined(separator: ", ")), got '\(form)'")
    }
    guard !isLeastSquares || [.linear, .folded].contains(known) else {
      throw Failure(
        .usage, "--fit: least-squares is of --form auto, linear or folded, got '\(form)'")
    }
    self.form = known == .linear && isLeastSquares ? .leastSquares : known
  }

  /// A form that costs more than another is handed on where it leaves at most this share of the
  /// other's residual.
  private static let worthwhileResidual = 0.97
  /// A cheaper form is handed on where it leaves at most this many times the least residual.
  private static let tolerableResidual = 4.0

  /// The moments that fits of a stream's spans take, beside those of tokens.
  func kinds(_ stream: ResidualStream, _ study: Study) -> MomentKinds {
    var kinds: MomentKinds = []
    if wants(.context) { kinds.insert(.samples) }
    if wants(.convolution) { kinds.insert(.patches) }
    return kinds.intersection(study.momentKinds(of: stream))
  }

  private func wants(_ other: ReplacementForm) -> Bool {
    form.map { $0 == other } ?? !isLeastSquares
  }

  /// The maps to try for one span, cheapest first.
  ///
  /// - Parameter removed: parameters that go with the span.
  func fits(
    _ evidence: SpanEvidence, _ factors: StartFactors, removing removed: Int
  ) throws(Failure) -> [Fit] {
    var span = SpanFits(evidence, factors)
    if let form { return try span.fits(form, rank: rank) }
    var forms: [ReplacementForm] = [.identity, .bias, .diagonal]
    if isLeastSquares {
      forms.append(.leastSquares)
    } else {
      forms += [.lowRank, .linear]
      if evidence.samples != nil { forms.append(.context) }
      if evidence.patches != nil { forms.append(.convolution) }
    }
    var fits: [Fit] = []
    for form in forms {
      let width = evidence.fit.width
      // What saves nothing is not worth its fit.
      guard form == .identity || form.parameterCount(width: width, rank: 1) < removed else {
        continue
      }
      fits += try span.fits(form)
    }
    return Self.undominated(fits, most: mostForms)
  }

  /// Forms that spans of a set may get besides the first. Few, for each has to be measured: neither
  /// `diagonal`, which lies between a bias and a low rank, nor `convolution`, which costs most.
  func searchedForms(allowingContext allowsContext: Bool) -> [ReplacementForm] {
    if form != nil { return [] }
    if isLeastSquares { return [.leastSquares] }
    return [.bias, .lowRank, .linear] + (allowsContext ? [.context] : [])
  }

  /// The fits that none beats in both parameters and held-out residual, by parameters; the cheapest
  /// among them whatever it leaves, since a residual tells little of the outputs.
  static func undominated(_ fits: [Fit], most: Int) -> [Fit] {
    let least = fits.map(\.heldResidual).min() ?? 0
    var kept: [Fit] = []
    for fit in fits.sorted(by: { $0.map.parameterCount < $1.map.parameterCount })
    where kept.isEmpty || fit.heldResidual <= tolerableResidual * least {
      if let last = kept.last, !(fit.heldResidual < worthwhileResidual * last.heldResidual) {
        continue
      }
      kept.append(fit)
    }
    while kept.count > max(most, 2) {
      // Of those between the ends the one goes that gains least over the next cheaper one.
      let gain = { (index: Int) in kept[index].heldResidual / kept[index - 1].heldResidual }
      kept.remove(at: (1..<kept.count - 1).max { gain($0) < gain($1) }!)
    }
    return kept
  }

  /// The maps of one form, several where ranks differ.
  ///
  /// - Parameter rank: of form `low-rank`, where only one is meant.
  func fits(
    _ form: ReplacementForm, _ evidence: SpanEvidence, _ factors: StartFactors, rank: Int? = nil
  ) throws(Failure) -> [Fit] {
    var span = SpanFits(evidence, factors)
    return try span.fits(form, rank: rank)
  }

  /// The published method's fit of Y to X, by itself.
  static func leastSquares(
    _ fitted: SpanMoments, held: SpanMoments
  ) throws(Failure) -> Fit {
    do { return try Fits.leastSquares(fitted, held: held) } catch {
      throw Failure(.internalFault, "least squares: \(error)")
    }
  }

  /// The rank of form `low-rank` where sets of spans are searched.
  static func searchedRank(width: Int) -> Int { max(width / 8, 1) }

  /// Parameters of a form where sets of spans are searched.
  static func searchedSize(_ form: ReplacementForm, width: Int) -> Int {
    form.parameterCount(width: width, rank: searchedRank(width: width))
  }
}

/// Fits of one span in several forms, which share its regression.
private struct SpanFits {
  /// Ranks that form `low-rank` is tried with, as shares of the width.
  private static let rankShares = [1.0 / 16, 1.0 / 8, 1.0 / 4]

  let evidence: SpanEvidence
  let factors: StartFactors
  private lazy var regression = factors.linear.solve(evidence.fit, held: evidence.held)

  init(_ evidence: SpanEvidence, _ factors: StartFactors) {
    self.evidence = evidence
    self.factors = factors
  }

  /// The maps of one form, several where ranks differ.
  ///
  /// - Parameter rank: of form `low-rank`, where only one is meant.
  mutating func fits(_ form: ReplacementForm, rank: Int? = nil) throws(Failure) -> [Fit] {
    let (fitted, held) = (evidence.fit, evidence.held)
    do {
      switch form {
      case .identity, .folded: return [Fits.identity(held: held)]
      case .bias: return [Fits.bias(fitted, held: held)]
      case .diagonal: return [Fits.diagonal(fitted, held: held)]
      case .linear: return [regression.linear]
      case .linearUnbiased: return [try Fits.unbiased(fitted, held: held)]
      case .leastSquares: return [try Fits.leastSquares(fitted, held: held)]
      case .lowRank:
        return try regression.reducedRank(rank.map { [$0] } ?? Self.ranks(width: fitted.width))
      case .context:
        guard let samples = evidence.samples, let context = factors.context else {
          throw Self.unfit(form)
        }
        let linear = regression.linear
        let fit = context.fit(
          .init(tokens: fitted, samples: samples.fit),
          held: .init(tokens: held, samples: samples.held),
          ridge: max(linear.ridge, 1e-4))
        return [fit ?? linear]
      case .convolution:
        guard let patches = evidence.patches, let convolution = factors.convolution else {
          throw Self.unfit(form)
        }
        return [convolution.fit(patches.fit, held: patches.held, scaledTo: held)]
      }
    } catch let error as Failure { throw error } catch {
      throw Failure(.internalFault, "fitting form '\(form.rawValue)': \(error)")
    }
  }

  /// Ranks that cost less than a whole matrix.
  private static func ranks(width: Int) -> [Int] {
    let ranks = rankShares.map { max(Int(Double(width) * $0), 1) }.filter { 2 * $0 < width }
    return Set(ranks.isEmpty ? [1] : ranks).sorted()
  }

  private static func unfit(_ form: ReplacementForm) -> Failure {
    Failure(
      .usage, "--form: '\(form.rawValue)' does not fit every stream that spans are replaced in",
      notes: [
        "'context' takes streams shaped [N, T, d] without outlier tokens, 'convolution' takes "
          + "[N, d, H, W] of up to 128 channels"
      ])
  }
}

extension StreamStatistics {
  /// Fits of all spans, grouped by where they start so that each start is factored once.
  ///
  /// - Parameter removed: parameters that go with each span.
  func choices(
    _ spans: [CandidateSpan], _ policy: FitPolicy, threads: Int,
    removing removed: @Sendable (CandidateSpan) -> Int
  ) throws(Failure) -> [Choice] {
    let starts = Dictionary(grouping: spans, by: \.from)
    let order = starts.keys.sorted()
    let results = Mutex([Result<[Choice], Failure>?](repeating: nil, count: order.count))
    @Sendable func fitAll(_ index: Int) {
      let result = Result { () throws(Failure) -> [Choice] in
        try fitted(starts[order[index]]!, policy, removed)
      }
      results.withLock { $0[index] = result }
    }
    forEachIndex(below: order.count, threads: threads, fitAll)
    var choices: [Choice] = []
    for result in results.withLock({ $0 }) { choices += try result?.get() ?? [] }
    return choices
  }

  /// Fits of spans that start at one point.
  private func fitted(
    _ spans: [CandidateSpan], _ policy: FitPolicy, _ removed: (CandidateSpan) -> Int
  ) throws(Failure) -> [Choice] {
    var choices: [Choice] = []
    var factors: StartFactors?
    for span in spans {
      let evidence = SpanEvidence(fit, held: held, span.pair)
      let shared = if let factors { factors } else { try StartFactors(evidence) }
      factors = shared
      choices += try policy.fits(evidence, shared, removing: removed(span))
        .map { Choice(span, $0) }
    }
    return choices
  }
}
