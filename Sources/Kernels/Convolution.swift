import CKernels
import Glibc

/// Convolution with groups: as a gemm over column blocks, by its own loop where it is depthwise, and as
/// plain sums in double or beyond three spatial axes.
///
/// Shapes: x [batch, inputChannels, input…], weights [outputChannels, inputChannels / groups, kernel…],
/// y [batch, outputChannels, output…]. The epilogue's rows are output channels; its residual, if any,
/// has the shape of y.
/// Precision: |error| <= k 2^-24 Σ|w||x|, k the elements under one kernel; 2^-53 in double.
/// Source: ONNX Conv-11, 22.
package struct Convolution: Sendable {
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

  private var isDepthwise: Bool { inputChannels == groups && groups > 1 }
  private var depth: Int { inputChannels / groups * window.kernelCount }

  /// Output rows whose columns are gathered at a time: about a megabyte of them, at least one row.
  private var rowsPerBlock: Int {
    let rows = (1 << 18) / max(1, depth * max(1, window.outputWidth))
    return min(max(1, rows), max(1, window.outputRows))
  }

  /// The floats of scratch memory that `apply` needs.
  package var scratchCount: Int {
    isDepthwise || window.isPointwise || !window.hasKernels
      ? 0 : depth * rowsPerBlock * window.outputWidth
  }

  package func apply(
    _ x: UnsafePointer<Float>, weights: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    epilogue: Epilogue = Epilogue(), scratch: UnsafeMutablePointer<Float>
  ) {
    let inputs = inputChannels / groups * window.inputCount
    let outputs = outputChannels / groups * window.outputCount
    for image in 0..<batch {
      var epilogue = epilogue
      epilogue.residual = epilogue.residual.map {
        $0 + image * outputChannels * window.outputCount
      }
      epilogue.residualStride = window.outputCount
      for group in 0..<groups {
        let input = x + (image * groups + group) * inputs
        let weights = weights + group * (outputChannels / groups) * depth
        let output = y + (image * groups + group) * outputs
        if !window.hasKernels {
          sum(input, weights, into: output)
          epilogue.apply(
            to: output, stride: window.outputCount, rows: outputChannels / groups,
            columns: window.outputCount, firstRow: group * (outputChannels / groups))
        } else if isDepthwise {
          applyDepthwise(input, weights, output, epilogue, group)
        } else {
          applyProduct(input, weights, output, epilogue, group, scratch)
        }
      }
    }
  }

  package func apply(
    _ x: UnsafePointer<Double>, weights: UnsafePointer<Double>, bias: UnsafePointer<Double>?,
    into y: UnsafeMutablePointer<Double>
  ) {
    let (inputs, outputs) = (inputChannels / groups, outputChannels / groups)
    for block in 0..<batch * groups {
      let output = y + block * outputs * window.outputCount
      let first = block % groups * outputs
      sum(
        x + block * inputs * window.inputCount, weights + first * depth, into: output)
      guard let bias else { continue }
      for channel in 0..<outputs {
        for i in 0..<window.outputCount {
          output[channel * window.outputCount + i] += bias[first + channel]
        }
      }
    }
  }

  /// The outputs of one group of one image, as plain sums.
  @inline(__always)
  private func sum<Element: BinaryFloatingPoint>(
    _ x: UnsafePointer<Element>, _ weights: UnsafePointer<Element>,
    into y: UnsafeMutablePointer<Element>
  ) {
    let (inputs, outputs) = (inputChannels / groups, outputChannels / groups)
    y.update(repeating: 0, count: outputs * window.outputCount)
    window.forEachRun { k, output, input, count in
      for m in 0..<outputs {
        let target = y + m * window.outputCount + output.start
        for c in 0..<inputs {
          let weight = weights[m * depth + c * window.kernelCount + k]
          let source = x + c * window.inputCount + input.start
          for i in 0..<count { target[i * output.step] += weight * source[i * input.step] }
        }
      }
    }
  }

  private func applyDepthwise(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ epilogue: Epilogue, _ group: Int
  ) {
    var cWindow = window.cWindow
    let multiplier = outputChannels / groups
    for m in 0..<multiplier {
      let output = y + m * window.outputCount
      kernel_depthwise(x, weights + m * depth, &cWindow, output)
      epilogue.apply(
        to: output, stride: window.outputCount, rows: 1, columns: window.outputCount,
        firstRow: group * multiplier + m)
    }
  }

  private func applyProduct(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ epilogue: Epilogue, _ group: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    var cWindow = window.cWindow
    let rows = outputChannels / groups
    let distinct = areFiltersEqual(weights, rows) ? min(rows, 1) : rows
    let step = window.isPointwise ? window.outputRows : rowsPerBlock
    for begin in stride(from: 0, to: window.outputRows, by: max(1, step)) {
      let end = min(begin + step, window.outputRows)
      let first = begin * window.outputWidth
      let count = (end - begin) * window.outputWidth
      let columns: UnsafePointer<Float>
      if window.isPointwise {
        columns = x
      } else {
        kernel_im2col(
          x, &cWindow, Int64(inputChannels / groups), Int64(begin), Int64(end), scratch)
        columns = UnsafePointer(scratch)
      }
      Gemm.sgemm(
        m: distinct, n: count, k: depth, a: MatrixView(weights, leadingDimension: depth),
        b: MatrixView(columns, leadingDimension: count), c: y + first, ldc: window.outputCount)
      for row in distinct..<max(distinct, rows) {
        (y + first + row * window.outputCount).update(from: y + first, count: count)
      }
      epilogue.apply(
        to: y + first, stride: window.outputCount, rows: rows, columns: count,
        firstRow: group * rows, firstColumn: first)
    }
  }

  /// Whether one filter stands for all, as in networks whose weights are not trained. Their channels must
  /// be equal to the last bit, but BLAS rounds a row's sums by where the row lies.
  private func areFiltersEqual(_ weights: UnsafePointer<Float>, _ rows: Int) -> Bool {
    let byteCount = depth * MemoryLayout<Float>.stride
    return (1..<max(rows, 1)).allSatisfy { memcmp(weights, weights + $0 * depth, byteCount) == 0 }
  }
}
