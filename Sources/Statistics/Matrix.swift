import Kernels

/// A dense row-major matrix in double, for the fits.
struct Matrix: Sendable {
  let rows: Int
  let columns: Int
  var elements: [Double]

  init(rows: Int, columns: Int, _ elements: [Double]) {
    precondition(elements.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  init(zero rows: Int, _ columns: Int) {
    self.init(rows: rows, columns: columns, Array(repeating: 0, count: rows * columns))
  }

  subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  /// op(A) op(B).
  static func product(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false
  ) -> Matrix {
    let (m, k) = transposeA ? (a.columns, a.rows) : (a.rows, a.columns)
    let (k2, n) = transposeB ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(k == k2)
    var c = Matrix(zero: m, n)
    a.elements.withUnsafeBufferPointer { x in
      b.elements.withUnsafeBufferPointer { y in
        c.elements.withUnsafeMutableBufferPointer { z in
          guard let x = x.baseAddress, let y = y.baseAddress, let z = z.baseAddress else { return }
          Gemm.dgemm(
            m: m, n: n, k: k,
            a: MatrixView(x, leadingDimension: a.columns, isTransposed: transposeA),
            b: MatrixView(y, leadingDimension: b.columns, isTransposed: transposeB), c: z, ldc: n)
        }
      }
    }
    return c
  }

  static func - (a: Matrix, b: Matrix) -> Matrix {
    Matrix(rows: a.rows, columns: a.columns, zip(a.elements, b.elements).map { $0 - $1 })
  }

  /// The matrix with row k multiplied by `factors[k]`.
  func scalingRows(by factors: [Double]) -> Matrix {
    var result = self
    for row in 0..<rows {
      for column in 0..<columns { result[row, column] *= factors[row] }
    }
    return result
  }

  /// Multiplies each element by the other matrix's at its place.
  mutating func multiplyElements(by other: Matrix) {
    precondition(rows == other.rows && columns == other.columns)
    for index in elements.indices { elements[index] *= other.elements[index] }
  }

  /// The dot product of each row with the other matrix's.
  func rowDots(with other: Matrix) -> [Double] {
    precondition(rows == other.rows && columns == other.columns)
    return (0..<rows).map { row in
      (0..<columns).reduce(0) { $0 + self[row, $1] * other[row, $1] }
    }
  }

  /// The eigenvalues of a symmetric matrix, ascending, and its unit eigenvectors, one per row.
  func eigen() throws(KernelError) -> (values: [Double], vectors: Matrix) {
    precondition(rows == columns)
    var vectors = self
    var failure: KernelError?
    let values = vectors.elements.withUnsafeMutableBufferPointer { buffer -> [Double] in
      guard let base = buffer.baseAddress else { return [] }
      do throws(KernelError) {
        return try SymmetricMatrix.dsyevd(n: columns, a: base, lda: columns)
      } catch {
        failure = error
        return []
      }
    }
    if let failure { throw failure }
    return (values, vectors)
  }
}
