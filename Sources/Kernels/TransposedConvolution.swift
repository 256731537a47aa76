import CKernels

/// Transposed convolution with groups: a gemm whose columns are added up where their windows overlap.
///
/// Shapes: x [batch, inputChannels, input…], weights [inputChannels, outputChannels / groups, kernel…],
/// y [batch, outputChannels, output…]. `window` is that of the convolution it transposes: its `input` is
/// y's spatial shape and its `output` is x's.
/// Precision: |error| <= k 2^-24 Σ|w||x|, k the terms added up in one element of y.
/// Source: ONNX ConvTranspose-11.
package struct TransposedConvolution: Sendable {
  package let batch: Int
  package let inputChannels: Int
  package let outputChannels: Int
  package let groups: Int
  package let window: Window

  package init(
    batch: Int, inputChannels: Int, outputChannels: Int, groups: Int, window: Window
  ) {
    precondition(groups > 0 && inputChannels % groups == 0 && outputChannels % groups == 0)
    self.batch = batch
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.groups = groups
    self.window = window
  }

  private var height: Int { outputChannels / groups * window.kernelCount }

  /// The floats of scratch memory that `apply` needs.
  package var scratchCount: Int { height * window.outputCount }

  package func apply(
    _ x: UnsafePointer<Float>, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    var cWindow = window.cWindow
    let depth = inputChannels / groups
    let channels = outputChannels / groups
    let (inputs, outputs) = (window.outputCount, window.inputCount)
    for image in 0..<batch {
      for group in 0..<groups {
        let output = y + (image * groups + group) * channels * outputs
        for channel in 0..<channels {
          (output + channel * outputs).update(
            repeating: bias?[group * channels + channel] ?? 0, count: outputs)
        }
        Gemm.sgemm(
          m: height, n: inputs, k: depth,
          a: MatrixView(
            weights + group * depth * height, leadingDimension: height, isTransposed: true),
          b: MatrixView(x + (image * groups + group) * depth * inputs, leadingDimension: inputs),
          c: scratch, ldc: inputs)
        kernel_col2im(scratch, &cWindow, Int64(channels), output)
      }
    }
  }
}
