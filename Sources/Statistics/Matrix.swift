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

  static func + (a: Matrix, b: Matrix) -> Matrix {
    Matrix(rows: a.rows, columns: a.columns, zip(a.elements, b.elements).map { $0 + $1 })
  }

  /// The matrix with `factor` times the identity added to the square of rows from `row` on.
  func addingIdentity(_ factor: Double = 1, at row: Int) -> Matrix {
    var result = self
    for k in 0..<columns { result[row + k, k] += factor }
    return result
  }

  /// The last `count` rows.
  func lastRows(_ count: Int) -> Matrix {
    Matrix(rows: count, columns: columns, Array(elements.suffix(count * columns)))
  }

  /// The sum of the products of elements at the same place.
  func dot(_ other: Matrix) -> Double {
    precondition(rows == other.rows && columns == other.columns)
    return elements.indices.reduce(0) { $0 + elements[$1] * other.elements[$1] }
  }

  /// The mean of the diagonal of a square matrix.
  var meanDiagonal: Double {
    (0..<rows).reduce(0) { $0 + self[$1, $1] } / Double(max(rows, 1))
  }

  /// The elements rounded to float.
  var floats: [Float] { elements.map { Float($0) } }

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

  /// The solution of self · X = `right`, self being symmetric and positive definite.
  ///
  /// - Throws: `KernelError.notPositiveDefinite`.
  func solvingPositiveDefinite(_ right: Matrix) throws(KernelError) -> Matrix {
    precondition(rows == columns && right.rows == rows)
    var factor = self
    // Each row a right side.
    var solution = right.transposed
    var failure: KernelError?
    factor.elements.withUnsafeMutableBufferPointer { a in
      solution.elements.withUnsafeMutableBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return }
        do throws(KernelError) {
          try SymmetricMatrix.dpotrf(n: rows, a: a, lda: rows)
          SymmetricMatrix.dpotrs(
            n: rows, rightSides: right.columns, factor: a, lda: rows, b: b, ldb: rows)
        } catch { failure = error }
      }
    }
    if let failure { throw failure }
    return solution.transposed
  }

  var transposed: Matrix {
    var result = Matrix(zero: columns, rows)
    for row in 0..<rows {
      for column in 0..<columns { result[column, row] = self[row, column] }
    }
    return result
  }
}

/// Aᵀ B for A [rows, rows] and B [rows, columns], row-major.
package func transposeTimes(
  _ a: [Double], _ b: [Double], rows: Int, columns: Int
) -> [Double] {
  Matrix.product(
    Matrix(rows: rows, columns: rows, a), transposeA: true,
    Matrix(rows: rows, columns: columns, b)
  ).elements
}

/// A Bᵀ for A of rows of `inputWidth` and B [width, inputWidth], row-major, summed in float.
package func timesTranspose(
  _ a: [Float], _ b: [Float], inputWidth: Int, width: Int
) -> [Float] {
  var result = [Float](repeating: 0, count: a.count / inputWidth * width)
  a.withUnsafeBufferPointer { x in
    b.withUnsafeBufferPointer { w in
      result.withUnsafeMutableBufferPointer { y in
        guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
        Gemm.sgemm(
          m: a.count / inputWidth, n: width, k: inputWidth,
          a: MatrixView(x, leadingDimension: inputWidth),
          b: MatrixView(w, leadingDimension: inputWidth, isTransposed: true), c: y, ldc: width)
      }
    }
  }
  return result
}
