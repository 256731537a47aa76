/// A row-major matrix operand in memory, read as it lies or transposed.
///
/// `leadingDimension` is the distance in elements between rows as they lie in memory. A view op(A) of
/// shape [m, k] lies in memory as [m, k], or as [k, m] when `isTransposed`.
/// It borrows: the pointer must stay valid for as long as the view is used, so make one inside
/// `withUnsafeBufferPointer`, never from an array passed where a pointer is expected.
package struct MatrixView<Scalar> {
  package var pointer: UnsafePointer<Scalar>
  package var leadingDimension: Int
  package var isTransposed: Bool

  package init(_ pointer: UnsafePointer<Scalar>, leadingDimension: Int, isTransposed: Bool = false)
  {
    self.pointer = pointer
    self.leadingDimension = leadingDimension
    self.isTransposed = isTransposed
  }

  /// The view displaced by a number of elements.
  package func advanced(by elements: Int) -> MatrixView {
    MatrixView(
      pointer + elements, leadingDimension: leadingDimension, isTransposed: isTransposed)
  }
}
