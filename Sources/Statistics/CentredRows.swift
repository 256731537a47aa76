import Kernels

/// Rows that contain a number which is none, infinite, or so large that its square is in float.
package struct NonFiniteValues: Error, Sendable {
  /// The index of the point among those observed.
  package let point: Int
}

/// Rows of one point with their mean taken off.
struct CentredRows: Sendable {
  let mean: [Double]
  /// Σ (x − mean)² of each feature.
  let squares: [Double]
  private let values: [Float]
  private let width: Int

  init(_ values: UnsafeBufferPointer<Float>, width: Int) {
    let rows = values.count / width
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<rows {
      for k in 0..<width { mean[k] += Double(values[row * width + k]) }
    }
    for k in 0..<width { mean[k] /= Double(max(rows, 1)) }
    var squares = [Double](repeating: 0, count: width)
    self.values = [Float](unsafeUninitializedCapacity: values.count) { result, count in
      for row in 0..<rows {
        for k in 0..<width {
          let index = row * width + k
          let difference = Double(values[index]) - mean[k]
          squares[k] += difference * difference
          result.initializeElement(at: index, to: Float(difference))
        }
      }
      count = rows * width
    }
    self.mean = mean
    self.squares = squares
    self.width = width
  }

  /// Whether products with other rows that are finite are finite: a variance bounds every covariance.
  var isFinite: Bool { squares.allSatisfy { Float($0).isFinite } }

  /// result = selfᵀ other, shape [d, d].
  func product(with other: CentredRows, into result: UnsafeMutableBufferPointer<Float>) {
    values.withUnsafeBufferPointer { x in
      other.values.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress, let result = result.baseAddress else {
          return
        }
        Gemm.sgemm(
          m: width, n: width, k: values.count / width,
          a: MatrixView(x, leadingDimension: width, isTransposed: true),
          b: MatrixView(y, leadingDimension: width), c: result, ldc: width)
      }
    }
  }
}
