import Kernels
import Tensors

/// An element type BLAS multiplies matrices of.
protocol MatrixElement: TensorElement, BinaryFloatingPoint {
  static func gemm(
    m: Int, n: Int, k: Int, alpha: Self, a: MatrixView<Self>, b: MatrixView<Self>, beta: Self,
    c: UnsafeMutablePointer<Self>, ldc: Int)
}

extension Float: MatrixElement {
  static func gemm(
    m: Int, n: Int, k: Int, alpha: Float, a: MatrixView<Float>, b: MatrixView<Float>, beta: Float,
    c: UnsafeMutablePointer<Float>, ldc: Int
  ) { Gemm.sgemm(m: m, n: n, k: k, alpha: alpha, a: a, b: b, beta: beta, c: c, ldc: ldc) }
}

extension Double: MatrixElement {
  static func gemm(
    m: Int, n: Int, k: Int, alpha: Double, a: MatrixView<Double>, b: MatrixView<Double>,
    beta: Double, c: UnsafeMutablePointer<Double>, ldc: Int
  ) { Gemm.dgemm(m: m, n: n, k: k, alpha: alpha, a: a, b: b, beta: beta, c: c, ldc: ldc) }
}

extension Layout {
  /// How BLAS reads the matrices of the last two axes: the leading dimension, and whether transposed.
  ///
  /// `nil` where neither axis is packed.
  var matrix: (leadingDimension: Int, isTransposed: Bool)? {
    guard shape.count >= 2 else { return nil }
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let (rowStride, columnStride) = (strides[shape.count - 2], strides[shape.count - 1])
    if rows == 0 || columns == 0 { return (1, false) }
    if columns <= 1 || columnStride == 1 {
      if rows <= 1 { return (Swift.max(columns, 1), false) }
      if rowStride >= Swift.max(columns, 1) { return (rowStride, false) }
    }
    if rows <= 1 || rowStride == 1 {
      if columns <= 1 { return (Swift.max(rows, 1), true) }
      if columnStride >= Swift.max(rows, 1) { return (columnStride, true) }
    }
    return nil
  }

  /// The offsets of the matrices along all axes but the last two, in row-major order.
  var matrixOffsets: [Int] {
    var offsets = [0]
    for axis in shape.indices.dropLast(2) {
      offsets = offsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
    }
    return offsets
  }
}
