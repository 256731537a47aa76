package import Kernels
import Tensors

/// A number type that matrices are multiplied in: BLAS's own, and integers, which wrap around.
package protocol MatrixElement: NumericElement, ExpressibleByIntegerLiteral {
  static func gemm(
    m: Int, n: Int, k: Int, alpha: Self, a: MatrixView<Self>, b: MatrixView<Self>, beta: Self,
    c: UnsafeMutablePointer<Self>, ldc: Int)
}

extension Float: MatrixElement {
  package static func gemm(
    m: Int, n: Int, k: Int, alpha: Float, a: MatrixView<Float>, b: MatrixView<Float>, beta: Float,
    c: UnsafeMutablePointer<Float>, ldc: Int
  ) { Gemm.sgemm(m: m, n: n, k: k, alpha: alpha, a: a, b: b, beta: beta, c: c, ldc: ldc) }
}

extension Double: MatrixElement {
  package static func gemm(
    m: Int, n: Int, k: Int, alpha: Double, a: MatrixView<Double>, b: MatrixView<Double>,
    beta: Double, c: UnsafeMutablePointer<Double>, ldc: Int
  ) { Gemm.dgemm(m: m, n: n, k: k, alpha: alpha, a: a, b: b, beta: beta, c: c, ldc: ldc) }
}

extension Int32: MatrixElement {}
extension Int64: MatrixElement {}
extension UInt32: MatrixElement {}
extension UInt64: MatrixElement {}

extension MatrixElement where Self: FixedWidthInteger {
  package static func gemm(
    m: Int, n: Int, k: Int, alpha: Self, a: MatrixView<Self>, b: MatrixView<Self>, beta: Self,
    c: UnsafeMutablePointer<Self>, ldc: Int
  ) {
    let (aRow, aColumn) = a.steps
    let (bRow, bColumn) = b.steps
    for row in 0..<m {
      let out = c + row * ldc
      for column in 0..<n { out[column] = beta == 0 ? 0 : beta &* out[column] }
      for inner in 0..<k {
        let factor = alpha &* a.pointer[row * aRow + inner * aColumn]
        let terms = b.pointer + inner * bRow
        for column in 0..<n { out[column] = out[column] &+ factor &* terms[column * bColumn] }
      }
    }
  }
}

extension MatrixView {
  /// The distances between rows and between columns of the matrix that the view stands for.
  fileprivate var steps: (row: Int, column: Int) {
    isTransposed ? (1, leadingDimension) : (leadingDimension, 1)
  }
}

extension ElementType {
  /// The type that matrices of this one are multiplied in; `nil` where products are not defined. Those
  /// of 16 floating bits are computed in `Float`.
  var matrix: (any MatrixElement.Type)? {
    switch self {
    case .float, .float16, .bfloat16: Float.self
    case .double: Double.self
    case .int32: Int32.self
    case .int64: Int64.self
    case .uint32: UInt32.self
    case .uint64: UInt64.self
    default: nil
    }
  }
}

extension Layout {
  /// How BLAS reads the matrices of the last two axes: the leading dimension, and whether transposed.
  ///
  /// `nil` where neither axis is packed, or the other's stride is none that BLAS takes.
  var matrix: (leadingDimension: Int, isTransposed: Bool)? {
    guard shape.count >= 2 else { return nil }
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let (rowStride, columnStride) = (strides[shape.count - 2], strides[shape.count - 1])
    if rows == 0 || columns == 0 { return (1, false) }
    if columns <= 1 || columnStride == 1 {
      if rows <= 1 { return (Swift.max(columns, 1), false) }
      if rowStride >= Swift.max(columns, 1), rowStride <= Self.largestStride {
        return (rowStride, false)
      }
    }
    if rows <= 1 || rowStride == 1 {
      if columns <= 1 { return (Swift.max(rows, 1), true) }
      if columnStride >= Swift.max(rows, 1), columnStride <= Self.largestStride {
        return (columnStride, true)
      }
    }
    return nil
  }

  private static let largestStride = Int(Int32.max)

  /// The offsets of the matrices along all axes but the last two, in row-major order.
  var matrixOffsets: [Int] {
    var offsets = [0]
    for axis in shape.indices.dropLast(2) {
      offsets = offsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
    }
    return offsets
  }
}
