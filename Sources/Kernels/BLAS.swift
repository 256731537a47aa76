import COpenBLAS

/// The process-wide settings of the BLAS library.
package enum BLAS {
  /// Makes every BLAS call run on the thread that makes it; only the first call has an effect.
  ///
  /// Parallelism belongs to the executor, whose workers each make their own BLAS calls.
  package static func useOneThreadPerCaller() { _ = oneThread }

  private static let oneThread: Void = openblas_set_num_threads(1)

  /// A dimension or stride as BLAS takes it. A caller's dimension beyond 32 bits is a programming error.
  static func dimension(_ value: Int) -> Int32 {
    precondition(
      value >= 0 && value <= Int(Int32.max), "expected a dimension below 2^31, got \(value)")
    return Int32(value)
  }

  /// A leading dimension, which BLAS wants positive even where a matrix has no columns.
  static func leadingDimension(_ value: Int, atLeast columns: Int) -> Int32 {
    precondition(
      value >= columns, "expected a leading dimension of at least \(columns), got \(value)")
    return dimension(max(value, 1))
  }
}
