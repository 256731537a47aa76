import Kernels

/// Rows that contain a number which is none, infinite, or so large that its square is in float.
package struct NonFiniteValues: Error, Sendable {
  /// The index of the point among those observed.
  package let point: Int
}

/// The moments of one micro-batch, computed by one worker.
package struct MomentsChunk: Sendable {
  package let width: Int
  package let rowCount: Int
  let means: [[Double]]
  let products: [[Float]]

  /// The moments of `points`, each `rowCount` rows of `width`, for the pairs `layout` keeps.
  ///
  /// - Throws: `NonFiniteValues` naming the first point that holds NaN or infinity, or whose
  ///   products overflow.
  package init(
    _ points: [UnsafeBufferPointer<Float>], for layout: StreamMoments
  ) throws(NonFiniteValues) {
    let width = layout.width
    precondition(points.count == layout.pointCount && width > 0)
    let rows = points.first.map { $0.count / width } ?? 0
    var means: [[Double]] = []
    var centred: [[Float]] = []
    for (index, point) in points.enumerated() {
      precondition(point.count == rows * width)
      let mean = Self.mean(point, width)
      guard mean.allSatisfy(\.isFinite) else { throw NonFiniteValues(point: index) }
      means.append(mean)
      centred.append(Self.subtracting(mean, from: point))
    }
    self.width = width
    self.rowCount = rows
    self.means = means
    self.products = layout.pairs.map { pair in
      Self.product(centred[pair.from], centred[pair.to], rows, width)
    }
    // A finite variance bounds every covariance.
    for (pair, product) in zip(layout.pairs, products) where pair.from == pair.to {
      guard (0..<width).allSatisfy({ product[$0 * width + $0].isFinite }) else {
        throw NonFiniteValues(point: pair.from)
      }
    }
  }

  private static func mean(_ values: UnsafeBufferPointer<Float>, _ width: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: width)
    let rows = values.count / width
    for row in 0..<rows {
      for k in 0..<width { sums[k] += Double(values[row * width + k]) }
    }
    return sums.map { $0 / Double(max(rows, 1)) }
  }

  private static func subtracting(
    _ mean: [Double], from values: UnsafeBufferPointer<Float>
  ) -> [Float] {
    let width = mean.count
    return [Float](unsafeUninitializedCapacity: values.count) { result, count in
      for row in 0..<values.count / width {
        for k in 0..<width {
          let index = row * width + k
          result.initializeElement(at: index, to: Float(Double(values[index]) - mean[k]))
        }
      }
      count = values.count
    }
  }

  private static func product(_ x: [Float], _ y: [Float], _ rows: Int, _ width: Int) -> [Float] {
    var result = [Float](repeating: 0, count: width * width)
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        result.withUnsafeMutableBufferPointer { result in
          Gemm.sgemm(
            m: width, n: width, k: rows,
            a: MatrixView(x, leadingDimension: width, isTransposed: true),
            b: MatrixView(y, leadingDimension: width), c: result.baseAddress!, ldc: width)
        }
      }
    }
    return result
  }
}
