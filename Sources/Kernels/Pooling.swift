import CKernels

/// Maximum and average over sliding windows.
///
/// Shapes: x [planes, input…], y [planes, output…], where planes is batch times channels.
package enum Pooling {
  /// The maximum of each window; padding takes no part, NaN wins.
  ///
  /// Source: ONNX MaxPool-12, without indices.
  package static func maximum(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, planes: Int, window: Window
  ) {
    var cWindow = window.cWindow
    for plane in 0..<planes {
      kernel_pool_max(
        x + plane * window.inputCount, &cWindow, y + plane * window.outputCount)
    }
  }

  /// The mean of each window, over its elements inside the input, or inside the padded input.
  ///
  /// `padsEnd` limits the padded input: a window that ceil_mode lets reach past it counts only the
  /// elements up to there.
  /// Source: ONNX AveragePool-19.
  package static func average(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, planes: Int, window: Window,
    countsPadding: Bool, padsEnd: [Int]
  ) {
    var cWindow = window.cWindow
    let counts = elementCounts(window, countsPadding: countsPadding, padsEnd: padsEnd)
    for plane in 0..<planes {
      let output = y + plane * window.outputCount
      kernel_pool_sum(x + plane * window.inputCount, &cWindow, output)
      kernel_divide(output, counts, output, window.outputCount)
    }
  }

  /// The number of elements each output position averages over, contiguous over the output.
  package static func elementCounts(
    _ window: Window, countsPadding: Bool, padsEnd: [Int]
  ) -> [Float] {
    precondition(padsEnd.count == window.input.count, "expected one pad per spatial axis")
    var counts: [Float] = [1]
    for axis in window.input.indices {
      let low = countsPadding ? -window.padsBegin[axis] : 0
      let high = window.input[axis] + (countsPadding ? padsEnd[axis] : 0)
      let dilation = window.dilations[axis]
      // Kernel positions whose distance from the window's start is below `reach`.
      func positions(below reach: Int) -> Int {
        reach <= 0 ? 0 : min(window.kernel[axis], (reach - 1) / dilation + 1)
      }
      let alongAxis = (0..<window.output[axis]).map { output in
        let start = output * window.strides[axis] - window.padsBegin[axis]
        return Float(max(0, positions(below: high - start) - positions(below: low - start)))
      }
      counts = counts.flatMap { outer in alongAxis.map { outer * $0 } }
    }
    return counts
  }
}
