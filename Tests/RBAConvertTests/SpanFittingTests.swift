import Planning
import Testing

@testable import RBAConvert

@Suite struct SpanFittingTests {
  @Test(
    arguments: [
      ("auto", "ridge", nil), ("identity", "ridge", .identity), ("bias", "ridge", .bias),
      ("diagonal", "least-squares", .diagonal), ("linear", "ridge", .linear),
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
  }
}
