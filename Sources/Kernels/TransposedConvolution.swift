import CKernels

/// Transposed convolution with groups: a gemm whose columns are added up where their windows overlap, or
/// plain sums in double or beyond three spatial axes.
///
/// Shapes: x [batch, inputChannels, input…], weights [inputChannels, outputChannels / groups, kernel…],
/// y [batch, outputChannels, output…]. `window` is that of the convolution it transposes: its `input` is
/// y's spatial shape and its `output` is x's.
/// Precision: |error| <= k 2^-24 Σ|w||x|, k the terms added up in one element of y;
/// 2^-53 in double.
/// Source: ONNX ConvTranspose-11, 22.
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
  package var scratchCount: Int { window.hasKernels ? height * window.outputCount : 0 }

  package func apply(
    _ x: UnsafePointer<Float>, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    guard window.hasKernels else { return sum(x, weights, bias, into: y) }
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
  package func apply(
    _ x: UnsafePointer<Double>, weights: UnsafePointer<Double>, bias: UnsafePointer<Double>?,
    into y: UnsafeMutablePointer<Double>
  ) { sum(x, weights, bias, into: y) }

  @inline(__always)
  private func sum<Element: BinaryFloatingPoint>(
    _ x: UnsafePointer<Element>, _ weights: UnsafePointer<Element>, _ bias: UnsafePointer<Element>?,
    into y: UnsafeMutablePointer<Element>
  ) {
    let (depth, channels) = (inputChannels / groups, outputChannels / groups)
    let (inputs, outputs) = (window.outputCount, window.inputCount)
    for block in 0..<batch * groups {
      let group = block % groups
      let target = y + block * channels * outputs
      for channel in 0..<channels {
        (target + channel * outputs).update(
          repeating: bias?[group * channels + channel] ?? 0, count: outputs)
      }
      window.forEachRun { k, input, output, count in
        for c in 0..<depth {
          let source = x + (block * depth + c) * inputs + input.start
          for m in 0..<channels {
            let weight = weights[
              ((group * depth + c) * channels + m) * window.kernelCount + k]
            let sums = target + m * outputs + output.start
            for i in 0..<count { sums[i * output.step] += weight * source[i * input.step] }
          }
        }
      }
    }
  }
}
