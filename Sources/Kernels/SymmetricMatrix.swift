import COpenBLAS

/// Products, factors and eigenvectors of symmetric row-major matrices.
///
/// Of a symmetric matrix only the lower triangle (row >= column) is read or written, unless a function
/// says otherwise. LAPACK is column-major: its upper triangle is the lower one here.
package enum SymmetricMatrix {
  /// C = alpha AᵀA + beta C, in the lower triangle.
  ///
  /// Shapes: A [k, n] with rows `lda` apart, C [n, n] with rows `ldc` apart.
  /// Precision: |error| <= k 2^-24 |A|ᵀ|A|.
  /// Source: BLAS `ssyrk`.
  package static func ssyrk(
    n: Int, k: Int, alpha: Float = 1, a: UnsafePointer<Float>, lda: Int, beta: Float,
    c: UnsafeMutablePointer<Float>, ldc: Int
  ) {
    guard n > 0 else { return }
    cblas_ssyrk(
      CblasRowMajor, CblasLower, CblasTrans, BLAS.dimension(n), BLAS.dimension(k), alpha, a,
      BLAS.leadingDimension(lda, atLeast: n), beta, c, BLAS.leadingDimension(ldc, atLeast: n))
  }

  /// C = alpha AᵀA + beta C, in the lower triangle.
  ///
  /// Shapes: A [k, n] with rows `lda` apart, C [n, n] with rows `ldc` apart.
  /// Precision: |error| <= k 2^-53 |A|ᵀ|A|.
  /// Source: BLAS `dsyrk`.
  package static func dsyrk(
    n: Int, k: Int, alpha: Double = 1, a: UnsafePointer<Double>, lda: Int, beta: Double,
    c: UnsafeMutablePointer<Double>, ldc: Int
  ) {
    guard n > 0 else { return }
    cblas_dsyrk(
      CblasRowMajor, CblasLower, CblasTrans, BLAS.dimension(n), BLAS.dimension(k), alpha, a,
      BLAS.leadingDimension(lda, atLeast: n), beta, c, BLAS.leadingDimension(ldc, atLeast: n))
  }

  /// Replaces the lower triangle of A by its Cholesky factor L, with A = L Lᵀ.
  ///
  /// Shapes: A [n, n] with rows `lda` apart; the strict upper triangle is left alone.
  /// Source: LAPACK `dpotrf`.
  /// Throws: `notPositiveDefinite` with the order of the first failing leading minor, also for NaN.
  package static func dpotrf(n: Int, a: UnsafeMutablePointer<Double>, lda: Int) throws(KernelError)
  {
    guard n > 0 else { return }
    var order = BLAS.dimension(n)
    var stride = BLAS.leadingDimension(lda, atLeast: n)
    var info: Int32 = 0
    dpotrf_("U", &order, a, &stride, &info)
    precondition(info >= 0, "dpotrf: argument \(-info) is illegal")
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    for i in 0..<n where !(a[i * lda + i] > 0) { throw .notPositiveDefinite(order: i + 1) }
  }

  /// Solves A X = B for the rows of Xᵀ, given the Cholesky factor that `dpotrf` left.
  ///
  /// Shapes: L [n, n]; B [right sides, n] with rows `ldb` apart, each row one right side, which is
  /// replaced by its solution.
  /// Source: LAPACK `dpotrs`.
  package static func dpotrs(
    n: Int, rightSides: Int, factor: UnsafePointer<Double>, lda: Int,
    b: UnsafeMutablePointer<Double>, ldb: Int
  ) {
    guard n > 0 && rightSides > 0 else { return }
    var order = BLAS.dimension(n)
    var count = BLAS.dimension(rightSides)
    var factorStride = BLAS.leadingDimension(lda, atLeast: n)
    var stride = BLAS.leadingDimension(ldb, atLeast: n)
    var info: Int32 = 0
    dpotrs_("U", &order, &count, factor, &factorStride, b, &stride, &info)
    precondition(info == 0, "dpotrs: argument \(-info) is illegal")
  }

  /// Replaces A by its eigenvectors, one per row, and returns the eigenvalues in ascending order.
  ///
  /// Shapes: A [n, n] with rows `lda` apart; row i becomes the unit eigenvector of eigenvalue i.
  /// Source: LAPACK `dsyevd`.
  /// Throws: `eigenvaluesDidNotConverge`.
  package static func dsyevd(
    n: Int, a: UnsafeMutablePointer<Double>, lda: Int
  ) throws(KernelError) -> [Double] {
    guard n > 0 else { return [] }
    var order = BLAS.dimension(n)
    var stride = BLAS.leadingDimension(lda, atLeast: n)
    var eigenvalues = [Double](repeating: 0, count: n)
    var info: Int32 = 0
    var query: Int32 = -1
    var workCount = 0.0
    var integerCount: Int32 = 0
    dsyevd_(
      "V", "U", &order, a, &stride, &eigenvalues, &workCount, &query, &integerCount, &query, &info)
    precondition(info == 0, "dsyevd: argument \(-info) is illegal")
    var workLength = BLAS.dimension(Int(workCount))
    var work = [Double](repeating: 0, count: Int(workCount))
    var integers = [Int32](repeating: 0, count: Int(integerCount))
    dsyevd_(
      "V", "U", &order, a, &stride, &eigenvalues, &work, &workLength, &integers, &integerCount,
      &info)
    precondition(info >= 0, "dsyevd: argument \(-info) is illegal")
    guard info == 0 else { throw .eigenvaluesDidNotConverge(count: Int(info)) }
    return eigenvalues
  }
}
