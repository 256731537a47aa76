import Kernels

/// X W for rows of `width` and W [width, width], row-major.
func multiply(_ rows: [Float], _ weight: [Float], width: Int) -> [Float] {
  var result = [Float](repeating: 0, count: rows.count)
  rows.withUnsafeBufferPointer { x in
    weight.withUnsafeBufferPointer { w in
      result.withUnsafeMutableBufferPointer { y in
        guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
        Gemm.sgemm(
          m: rows.count / width, n: width, k: width, a: MatrixView(x, leadingDimension: width),
          b: MatrixView(w, leadingDimension: width), c: y, ldc: width)
      }
    }
  }
  return result
}
