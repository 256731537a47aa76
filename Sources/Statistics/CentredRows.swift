import Kernels

/// Rows that contain a number which is none, infinite, or so large that its square is in float.
package struct NonFiniteValues: Error, Sendable {
  /// The index of the point among those observed.
  package let point: Int
}

/// Rows of one point with their mean taken off, each scaled by the root of its weight.
struct CentredRows: Sendable {
  let mean: [Double]
  /// Σ w (x − mean)² of each feature.
  let squares: [Double]
  fileprivate let values: [Float]
  fileprivate let width: Int

  /// - Parameter weights: one for each row, none below zero; 1 each where `nil`.
  init(_ values: UnsafeBufferPointer<Float>, width: Int, weights: [Float]? = nil) {
    let rows = values.count / width
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<rows {
      let weight = weights.map { Double($0[row]) } ?? 1
      for k in 0..<width { mean[k] += weight * Double(values[row * width + k]) }
    }
    let total = weights?.reduce(0) { $0 + Double($1) } ?? Double(rows)
    if total > 0 { for k in 0..<width { mean[k] /= total } }
    var squares = [Double](repeating: 0, count: width)
    self.values = [Float](unsafeUninitializedCapacity: values.count) { result, count in
      for row in 0..<rows {
        let root = weights.map { Double($0[row]).squareRoot() } ?? 1
        for k in 0..<width {
          let index = row * width + k
          let difference = root * (Double(values[index]) - mean[k])
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

  /// result = selfᵀ other, shape [d, d'] for rows of d and of d' features.
  func product(with other: CentredRows, into result: UnsafeMutableBufferPointer<Float>) {
    values.withUnsafeBufferPointer { x in
      other.values.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress, let result = result.baseAddress else {
          return
        }
        Gemm.sgemm(
          m: width, n: other.width, k: values.count / width,
          a: MatrixView(x, leadingDimension: width, isTransposed: true),
          b: MatrixView(y, leadingDimension: other.width), c: result, ldc: other.width)
      }
    }
  }
}

extension CentredRows {
  /// result = (the columns `own` of self)ᵀ (the columns `others` of other), row-major.
  func product(
    of own: Range<Int>, with other: CentredRows, _ others: Range<Int>,
    into result: UnsafeMutableBufferPointer<Float>
  ) {
    values.withUnsafeBufferPointer { x in
      other.values.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress, let result = result.baseAddress else {
          return
        }
        Gemm.sgemm(
          m: own.count, n: others.count, k: values.count / width,
          a: MatrixView(x + own.lowerBound, leadingDimension: width, isTransposed: true),
          b: MatrixView(y + others.lowerBound, leadingDimension: other.width), c: result,
          ldc: others.count)
      }
    }
  }
}

extension [Double] {
  /// self += products + weight · uᵀv, for row-major matrices of as many rows as u and columns as v: how
  /// products about other means, shifted by u and v, join totals.
  ///
  /// - Parameter product: of the products, the element at a place.
  @inline(__always)
  mutating func add(
    _ u: [Double], _ v: [Double], _ weight: Double, product: (Int) -> Double
  ) {
    let columns = v.count
    withUnsafeMutableBufferPointer { total in
      v.withUnsafeBufferPointer { v in
        for row in u.indices {
          let scale = weight * u[row]
          for column in 0..<columns {
            let place = row * columns + column
            total[place] += product(place) + scale * v[column]
          }
        }
      }
    }
  }

  /// The same of products that other rows left.
  mutating func add(_ other: [Double], _ u: [Double], _ v: [Double], _ weight: Double) {
    other.withUnsafeBufferPointer { other in add(u, v, weight) { other[$0] } }
  }

  /// The same of aᵀb, summed in float.
  mutating func add(
    _ a: CentredRows, _ b: CentredRows, _ u: [Double], _ v: [Double], _ weight: Double
  ) {
    let chunk = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { chunk.deallocate() }
    a.product(with: b, into: chunk)
    add(u, v, weight) { Double(chunk[$0]) }
  }
}
