import CKernels

/// Normalisations over the last axis or per channel.
package enum Normalization {
  /// y = (x - mean) / √(variance + epsilon) gamma + beta, over the rows of x.
  ///
  /// Shapes: x and y [rows, count], which may be the same array; gamma and beta [count]; the optional
  /// results `means` and `inverseDeviations` [rows].
  /// Precision: the variance is taken about the mean in a second pass.
  /// Source: ONNX LayerNormalization-17.
  package static func layerNormalization(
    _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>?, beta: UnsafePointer<Float>?,
    epsilon: Float, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int,
    means: UnsafeMutablePointer<Float>? = nil,
    inverseDeviations: UnsafeMutablePointer<Float>? = nil
  ) {
    kernel_layer_norm(x, gamma, beta, epsilon, y, rows, count, means, inverseDeviations)
  }

  /// y = x / √(mean(x²) + epsilon) gamma, over the rows of x.
  ///
  /// Shapes: x and y [rows, count], which may be the same array; gamma [count].
  /// Source: ONNX RMSNormalization-23.
  package static func rmsNormalization(
    _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>?, epsilon: Float,
    into y: UnsafeMutablePointer<Float>, rows: Int, count: Int
  ) {
    kernel_rms_norm(x, gamma, epsilon, y, rows, count)
  }

  /// y[n, c, :] = scale[c] x[n, c, :] + shift[c].
  ///
  /// Batch normalisation for inference, with scale = gamma / √(variance + epsilon) and
  /// shift = beta - mean scale.
  /// Shapes: x and y [batch, channels, inner], which may be the same array; scale and shift [channels].
  package static func scaleAndShiftChannels(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, batch: Int, channels: Int, inner: Int
  ) {
    for n in 0..<batch {
      let offset = n * channels * inner
      kernel_scale_and_shift_rows(x + offset, y + offset, inner, scale, shift, channels)
    }
  }
}
