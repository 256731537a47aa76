import CKernels

/// Softmax over the last axis.
package enum Softmax {
  /// y[r, :] = softmax(scale x[r, :] + mask[r, :]).
  ///
  /// Shapes: x and y [rows, count] with rows `xStride` and `yStride` apart (`count` if nil); the mask, if
  /// any, [rows, count] with rows `maskStride` apart, where zero adds one row to all. x and y may be the
  /// same array.
  /// Precision: relative error below (10 + count / 1024) 2^-23 of each probability, zero below exp(-87) of
  /// the largest; a row of -inf is NaN.
  /// Source: ONNX Softmax-13, over the last axis.
  package static func softmax(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int,
    scale: Float = 1, mask: UnsafePointer<Float>? = nil, xStride: Int? = nil, yStride: Int? = nil,
    maskStride: Int = 0
  ) {
    kernel_softmax(
      x, mask, scale, y, rows, count, xStride ?? count, yStride ?? count, maskStride)
  }

  /// y[r, :] = x[r, :] - log Σ exp(x[r, :]).
  ///
  /// Shapes: x and y [rows, count], contiguous; they may be the same array.
  /// Source: ONNX LogSoftmax-13, over the last axis.
  package static func logSoftmax(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int
  ) {
    kernel_log_softmax(x, y, rows, count)
  }
}
