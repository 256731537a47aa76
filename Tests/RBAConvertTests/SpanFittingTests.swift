import Planning
import Testing

@testable import RBAConvert
@testable import Statistics

@Suite struct SpanFittingTests {
  @Test(
    arguments: [
      ("auto", "ridge", nil), ("identity", "ridge", .identity), ("bias", "ridge", .bias),
      ("diagonal", "ridge", .diagonal), ("linear", "ridge", .linear),
      ("linear", "least-squares", .leastSquares), ("low-rank", "ridge", .lowRank),
      ("linear-unbiased", "ridge", .linearUnbiased), ("context", "ridge", .context),
      ("convolution", "ridge", .convolution), ("auto", "least-squares", nil),
    ] as [(String, String, ReplacementForm?)])
  func readsFormsAndFits(form: String, fit: String, expected: ReplacementForm?) throws {
    let policy = try FitPolicy(form: form, fit: fit)
    #expect(policy.form == expected)
    #expect(policy.isLeastSquares == (fit == "least-squares"))
  }

  @Test func whatIsNoFormOrFitIsRefused() throws {
    let form = try failure { () throws(Failure) in try FitPolicy(form: "cubic", fit: "ridge") }
    #expect(form.status == .usage)
    #expect(
      form.message
        == "--form: expected auto, identity, bias, diagonal, low-rank, linear, linear-unbiased, context, "
        + "convolution, folded, got 'cubic'")
    let fit = try failure { () throws(Failure) in try FitPolicy(form: "auto", fit: "lasso") }
    #expect(fit.status == .usage)
    #expect(fit.message == "--fit: expected ridge or least-squares, got 'lasso'")
    let both = try failure { () throws(Failure) in
      try FitPolicy(form: "bias", fit: "least-squares")
    }
    #expect(both.status == .usage)
    #expect(
      both.message == "--fit: least-squares is of --form auto, linear or folded, got 'bias'")
  }

  /// Parameters and held-out residuals of fits, and those of them that are handed on.
  @Test(
    arguments: [
      ([(0, 4.0), (2, 3.0), (8, 3.5), (12, 1.0)], [0, 2, 12]),
      // Far from the best, or hardly better than a cheaper one; the cheapest stays.
      ([(0, 8.0), (2, 4.1), (4, 1.02), (12, 1.0)], [0, 4]),
      ([(0, 0.0), (12, 0.0)], [0]),
      // Six are too many: those go that gain least over the next cheaper one.
      ([(0, 4.0), (1, 3.8), (2, 3.0), (3, 2.0), (4, 1.9), (5, 1.0)], [0, 2, 3, 5]),
      ([(0, .infinity), (2, .infinity)], [0]),
    ] as [([(Int, Double)], [Int])])
  func fitsThatAnotherBeatsAreNotHandedOn(fits: [(Int, Double)], kept: [Int]) {
    let given = fits.reversed().map { count, residual in
      Fit(
        count == 0 ? .identity : .bias([Float](repeating: 0, count: count)),
        heldResidual: residual, scatter: 10)
    }
    #expect(FitPolicy.undominated(given, most: 4).map(\.map.parameterCount) == kept)
  }
}
