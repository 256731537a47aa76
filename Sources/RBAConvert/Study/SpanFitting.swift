import Planning
import Statistics

/// Which maps are fitted for a span.
struct FitPolicy: Sendable {
  /// One form, or every form that may pay where `nil`.
  var form: ReplacementForm?
  /// Whether linear maps are the paper's: least squares without bias or ridge.
  var isLeastSquares: Bool

  /// Reads `--form` and `--fit`.
  init(form: String, fit: String) throws(Failure) {
    switch fit {
    case "ridge": isLeastSquares = false
    case "least-squares": isLeastSquares = true
    default:
      throw Failure(.usage, "--fit: expected ridge or least-squares, got '\(fit)'")
    }
    switch form {
    case "auto": self.form = nil
    case "identity": self.form = .identity
    case "bias": self.form = .bias
    case "diagonal": self.form = .diagonal
    case "linear": self.form = isLeastSquares ? .leastSquares : .linear
    default:
      throw Failure(
        .usage, "--form: expected auto, identity, bias, diagonal or linear, got '\(form)'")
    }
  }

  /// A cheaper form is tried where it leaves at most this many times the linear map's residual.
  private static let tolerableResidual = 1.25

  /// The maps to try for one span, cheapest first.
  func fits(
    _ fitted: SpanMoments, held: SpanMoments, _ factors: Fits
  ) throws(Failure) -> [Fit] {
    if let form { return [try fit(form, fitted, held: held, factors)] }
    let linear = try fit(isLeastSquares ? .leastSquares : .linear, fitted, held: held, factors)
    let bound = Self.tolerableResidual * linear.heldResidual
    let cheaper = [
      Fits.identity(held: held), Fits.bias(fitted, held: held), Fits.diagonal(fitted, held: held),
    ]
    return cheaper.filter { $0.heldResidual <= bound } + [linear]
  }

  /// A map of one form.
  func fit(
    _ form: ReplacementForm, _ fitted: SpanMoments, held: SpanMoments, _ factors: Fits
  ) throws(Failure) -> Fit {
    switch form {
    case .identity: return Fits.identity(held: held)
    case .bias: return Fits.bias(fitted, held: held)
    case .diagonal: return Fits.diagonal(fitted, held: held)
    case .linear: return factors.ridge(fitted, held: held)
    case .leastSquares:
      do { return try Fits.leastSquares(fitted, held: held) } catch {
        throw Failure(.internalFault, "least squares: \(error)")
      }
    }
  }
}

extension StreamStatistics {
  /// Fits of all spans, grouped by where they start so that each start is factored once.
  func choices(_ spans: [CandidateSpan], _ policy: FitPolicy) throws(Failure) -> [Choice] {
    var result: [Choice] = []
    let starts = Dictionary(grouping: spans, by: \.from)
    for start in starts.keys.sorted() {
      let factors = try Fits.prepared(from: fit.span(from: start, to: start))
      for span in starts[start]! {
        let fits = try policy.fits(
          fit.span(from: span.from, to: span.to), held: held.span(from: span.from, to: span.to),
          factors)
        result += fits.map { Choice(span, $0) }
      }
    }
    return result
  }
}

extension Fits {
  /// The factors for spans that start at a point.
  static func prepared(from moments: SpanMoments) throws(Failure) -> Fits {
    do { return try Fits(from: moments) } catch {
      throw Failure(.internalFault, "factoring a Gram matrix: \(error)")
    }
  }
}
