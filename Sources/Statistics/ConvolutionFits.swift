package import Kernels

/// Fits of y = P W + b from one point of a stream, P the k × k neighbourhood of each position.
///
/// The ridge draws the kernel toward the identity: 1 from each channel to itself at the centre, else 0.
package struct ConvolutionFits: Sendable {
  private let regression: RidgeRegression

  /// - Throws: `KernelError` if the eigenvalues do not converge.
  package init(from moments: PatchSpanMoments) throws(KernelError) {
    regression = try RidgeRegression(gram: moments.moments.gram)
  }

  /// - Parameter all: the held-out moments of every position, of which the neighbourhoods are some: the
  ///   residual is scaled to as many.
  package func fit(
    _ fitted: PatchSpanMoments, held: PatchSpanMoments, scaledTo all: SpanMoments
  ) -> Fit {
    let solution = regression.solve(fitted.moments, held: held.moments)
    let width = fitted.moments.meanDifference.count
    let centre = (solution.weight.rows / width / 2) * width
    let rows = held.moments.weight
    return Fit(
      .convolution(
        kernel: solution.weight.addingIdentity(at: centre).floats,
        bias: solution.weight.constant(for: fitted.moments).map { Float($0) }),
      ridge: solution.ridge,
      heldResidual: rows > 0 ? solution.heldResidual * all.weight / rows : 0,
      scatter: all.traceYY)
  }
}
