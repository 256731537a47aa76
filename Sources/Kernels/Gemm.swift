import COpenBLAS

/// General matrix products, row-major: C = alpha op(A) op(B) + beta C.
///
/// Shapes: op(A) [m, k], op(B) [k, n], C [m, n] with rows `ldc` apart. C must not overlap A or B.
/// With beta = 0, C need not be initialised. An empty product (k = 0) scales C by beta.
/// Precision: sums of k products in an order that BLAS chooses; |error| <= k 2^-24 |A||B| for float.
/// The order depends on m and n where m n k is small (OpenBLAS 0.3.21 then takes another kernel: rows of
/// a [1, 768] by [768, 768] product differ in the last bits from those of a taller one), so what must
/// agree bit for bit must be computed in calls of equal shape.
/// Source: BLAS level 3, `xGEMM`.
package enum Gemm {
  package static func sgemm(
    m: Int, n: Int, k: Int, alpha: Float = 1, a: MatrixView<Float>, b: MatrixView<Float>,
    beta: Float = 0, c: UnsafeMutablePointer<Float>, ldc: Int
  ) {
    guard m > 0 && n > 0 else { return }
    guard k > 0 else { return scale(c, m: m, n: n, ldc: ldc, by: beta) }
    cblas_sgemm(
      CblasRowMajor, a.blasTranspose, b.blasTranspose, BLAS.dimension(m), BLAS.dimension(n),
      BLAS.dimension(k), alpha, a.pointer, a.blasLeadingDimension(rows: m, columns: k), b.pointer,
      b.blasLeadingDimension(rows: k, columns: n), beta, c,
      BLAS.leadingDimension(ldc, atLeast: n))
  }

  package static func dgemm(
    m: Int, n: Int, k: Int, alpha: Double = 1, a: MatrixView<Double>, b: MatrixView<Double>,
    beta: Double = 0, c: UnsafeMutablePointer<Double>, ldc: Int
  ) {
    guard m > 0 && n > 0 else { return }
    guard k > 0 else { return scale(c, m: m, n: n, ldc: ldc, by: beta) }
    cblas_dgemm(
      CblasRowMajor, a.blasTranspose, b.blasTranspose, BLAS.dimension(m), BLAS.dimension(n),
      BLAS.dimension(k), alpha, a.pointer, a.blasLeadingDimension(rows: m, columns: k), b.pointer,
      b.blasLeadingDimension(rows: k, columns: n), beta, c,
      BLAS.leadingDimension(ldc, atLeast: n))
  }

  /// `count` products whose operands lie `aStride`, `bStride` and `cStride` elements apart.
  ///
  /// A stride of zero for A or B uses the same matrix in every product.
  package static func sgemm(
    batch count: Int, m: Int, n: Int, k: Int, alpha: Float = 1, a: MatrixView<Float>, aStride: Int,
    b: MatrixView<Float>, bStride: Int, beta: Float = 0, c: UnsafeMutablePointer<Float>, ldc: Int,
    cStride: Int
  ) {
    for i in 0..<count {
      sgemm(
        m: m, n: n, k: k, alpha: alpha, a: a.advanced(by: i * aStride),
        b: b.advanced(by: i * bStride), beta: beta, c: c + i * cStride, ldc: ldc)
    }
  }

  /// `count` products whose operands lie `aStride`, `bStride` and `cStride` elements apart.
  package static func dgemm(
    batch count: Int, m: Int, n: Int, k: Int, alpha: Double = 1, a: MatrixView<Double>,
    aStride: Int, b: MatrixView<Double>, bStride: Int, beta: Double = 0,
    c: UnsafeMutablePointer<Double>, ldc: Int, cStride: Int
  ) {
    for i in 0..<count {
      dgemm(
        m: m, n: n, k: k, alpha: alpha, a: a.advanced(by: i * aStride),
        b: b.advanced(by: i * bStride), beta: beta, c: c + i * cStride, ldc: ldc)
    }
  }

  /// C = beta C, where zero erases whatever C held.
  private static func scale<T: FloatingPoint>(
    _ c: UnsafeMutablePointer<T>, m: Int, n: Int, ldc: Int, by beta: T
  ) {
    for row in 0..<m {
      for column in 0..<n {
        let index = row * ldc + column
        c[index] = beta == 0 ? 0 : beta * c[index]
      }
    }
  }
}

extension MatrixView {
  var blasTranspose: CBLAS_TRANSPOSE { isTransposed ? CblasTrans : CblasNoTrans }

  /// The leading dimension of a view of shape [rows, columns].
  func blasLeadingDimension(rows: Int, columns: Int) -> Int32 {
    BLAS.leadingDimension(leadingDimension, atLeast: isTransposed ? rows : columns)
  }
}
