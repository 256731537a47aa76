import CKernels

/// A float reduction over the middle axis of an array of shape [outer, axis, inner].
///
/// Precision: sums over a contiguous axis run in sixteen lanes and blocks of 1024, error at most
/// (68 + n / 1024) 2^-24 Σ|x|; sums over an outer axis are taken in order, error n 2^-24 Σ|x|.
/// An empty axis gives the neutral element: 0, 1, or the opposite infinity; a mean is then NaN.
/// Source: the ONNX operators ReduceSum, ReduceMean, …; a reduction over adjacent axes is one over
/// their product.
package enum Reduction: CaseIterable, Sendable {
  case sum, mean, sumOfSquares, l1, l2, product, maximum, minimum, logSum

  /// y[o, i] = reduction of x[o, :, i].
  ///
  /// Shapes: x [outer, axis, inner], y [outer, inner]; they must not overlap.
  package func apply(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, outer: Int, axis: Int,
    inner: Int
  ) {
    let count = outer * inner
    switch self {
    case .sum: kernel_reduce_sum(x, y, outer, axis, inner)
    case .mean:
      kernel_reduce_sum(x, y, outer, axis, inner)
      kernel_divide_scalar(y, Float(axis), y, count)
    case .sumOfSquares: kernel_reduce_sum_of_squares(x, y, outer, axis, inner)
    case .l1: kernel_reduce_sum_of_magnitudes(x, y, outer, axis, inner)
    case .l2:
      kernel_reduce_sum_of_squares(x, y, outer, axis, inner)
      kernel_sqrt(y, y, count)
    case .product: kernel_reduce_product(x, y, outer, axis, inner)
    case .maximum: kernel_reduce_max(x, y, outer, axis, inner)
    case .minimum: kernel_reduce_min(x, y, outer, axis, inner)
    case .logSum:
      kernel_reduce_sum(x, y, outer, axis, inner)
      kernel_log(y, y, count)
    }
  }
}
