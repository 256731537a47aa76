import CKernels

/// Convolution of one image of whole numbers, exact.
///
/// Shapes: x [inputChannels, input…], weights [outputChannels, inputChannels / groups, kernel…], both
/// widened and less their zero points, y [outputChannels, output…]. Padding is zero, which is the zero
/// point of what was widened.
/// Precision: exact, but for sums beyond 32 bits, which wrap around; as `IntegerProduct`.
/// Source: ONNX ConvInteger-10.
package struct IntegerConvolution: Sendable {
  private let inputChannels: Int
  private let outputChannels: Int
  private let groups: Int
  private let window: Window

  package init(inputChannels: Int, outputChannels: Int, groups: Int, window: Window) {
    precondition(groups > 0 && inputChannels % groups == 0 && outputChannels % groups == 0)
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.groups = groups
    self.window = window
  }

  private var depth: Int { inputChannels / groups * window.kernelCount }
  private var isDepthwise: Bool { inputChannels == groups && groups > 1 }
  private var outputsPerGroup: Int { outputChannels / groups }

  /// The whole of it in float, for kernels under which a float sums exactly.
  private var convolution: Convolution {
    Convolution(
      batch: 1, inputChannels: inputChannels, outputChannels: outputChannels, groups: groups,
      window: window)
  }

  /// Output rows whose columns are gathered at a time: about a megabyte of them, at least one row.
  private var rowsPerBlock: Int {
    let (count, overflow) = depth.multipliedReportingOverflow(by: max(1, window.outputWidth))
    let rows = overflow ? 1 : (1 << 18) / max(1, count)
    return min(max(1, rows), max(1, window.outputRows))
  }

  /// The floats of scratch memory that `apply` needs, the largest `Int` where their number overflows.
  package var scratchCount: Int {
    let width = rowsPerBlock.multipliedReportingOverflow(by: max(window.outputWidth, 1))
    let columns = width.partialValue.multipliedReportingOverflow(
      by: max(depth + outputsPerGroup, 1))
    let whole = outputChannels.multipliedReportingOverflow(by: window.outputCount)
    let sum = columns.partialValue.addingReportingOverflow(whole.partialValue)
    let overflows = width.overflow || columns.overflow || whole.overflow || sum.overflow
    return overflows ? .max : sum.partialValue
  }

  /// - Parameter exactDepth: the products that a float sums exactly, of the factors at hand.
  package func apply(
    _ x: UnsafePointer<Float>, weights: UnsafePointer<Float>, exactDepth: Int,
    into y: UnsafeMutablePointer<Int32>, scratch: UnsafeMutablePointer<Float>
  ) {
    guard outputChannels > 0, window.outputCount > 0 else { return }
    guard depth > exactDepth else {
      convolution.apply(
        x, weights: weights, into: scratch,
        scratch: scratch + outputChannels * window.outputCount)
      return IntegerProduct.add(
        scratch, rows: 1, columns: outputChannels * window.outputCount, to: y, stride: 0,
        erasing: true)
    }
    var cWindow = window.cWindow
    let (columns, rows) = (scratch, outputsPerGroup)
    let tile = columns + depth * rowsPerBlock * window.outputWidth
    for group in 0..<groups {
      let x = x + group * (inputChannels / groups) * window.inputCount
      let weights = weights + group * rows * depth
      let y = y + group * rows * window.outputCount
      for begin in stride(from: 0, to: window.outputRows, by: rowsPerBlock) {
        let end = min(begin + rowsPerBlock, window.outputRows)
        let count = (end - begin) * window.outputWidth
        kernel_im2col(
          x, &cWindow, Int64(inputChannels / groups), Int64(begin), Int64(end), columns)
        for first in stride(from: 0, to: depth, by: exactDepth) {
          Gemm.sgemm(
            m: rows, n: count, k: min(exactDepth, depth - first),
            a: MatrixView(weights + first, leadingDimension: depth),
            b: MatrixView(columns + first * count, leadingDimension: count), c: tile, ldc: count)
          IntegerProduct.add(
            tile, rows: rows, columns: count, to: y + begin * window.outputWidth,
            stride: window.outputCount, erasing: first == 0)
        }
      }
    }
  }
}
