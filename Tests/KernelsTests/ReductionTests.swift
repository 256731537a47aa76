import Foundation
import Kernels
import Testing

@Suite struct ReductionTests {
  static let shapes = [[1, 1, 1], [3, 5, 1], [2, 16, 1], [2, 2100, 1], [3, 7, 19], [2, 0, 3]]

  /// The reduction of one run in double precision, and the magnitude its error is relative to.
  private func exact(_ reduction: Reduction, _ x: [Double]) -> (value: Double, scale: Double) {
    let count = Double(x.count)
    let (sum, size) = (x.reduce(0, +), x.reduce(0) { $0 + $1.magnitude })
    let squares = x.reduce(0) { $0 + $1 * $1 }
    switch reduction {
    case .sum: return (sum, size)
    case .mean: return (sum / count, size / count)
    case .sumOfSquares: return (squares, squares)
    case .l1: return (size, size)
    case .l2: return (squares.squareRoot(), squares.squareRoot())
    case .product: return (x.reduce(1, *), x.reduce(1) { $0 * $1.magnitude })
    case .maximum: return (x.max() ?? -.infinity, 0)
    case .minimum: return (x.min() ?? .infinity, 0)
    case .logSum: return (x.isEmpty ? -.infinity : log(sum), 1)
    }
  }

  /// The larger of the two stated bounds, (68 + n / 1024) and n, plus the two roundings that follow a sum.
  @Test(arguments: Reduction.allCases, shapes) func agreesWithTheDefinition(
    _ reduction: Reduction, shape: [Int]
  ) {
    let (outer, axis, inner) = (shape[0], shape[1], shape[2])
    let x = (0..<outer * axis * inner).map { Float($0 * 37 % 101 + 60) / 110 }
    var y = [Float](repeating: .nan, count: outer * inner)
    reduction.apply(x, into: &y, outer: outer, axis: axis, inner: inner)
    for o in 0..<outer {
      for i in 0..<inner {
        let run = (0..<axis).map { Double(x[(o * axis + $0) * inner + i]) }
        let (value, scale) = exact(reduction, run)
        let actual = Double(y[o * inner + i])
        let bound = Double(max(68 + axis / 1024, axis) + 4) * 0x1p-24 * scale
        let agrees = (actual - value).magnitude <= bound
        #expect(agrees || actual == value || (actual.isNaN && value.isNaN))
      }
    }
  }

  @Test(arguments: [1, 3], [2, 18]) func extremaAreNaNWhereAnElementIs(inner: Int, axis: Int) {
    var x = [Float](repeating: 1, count: axis * inner)
    x[inner] = .nan
    for reduction in [Reduction.maximum, .minimum] {
      var y = [Float](repeating: 0, count: inner)
      reduction.apply(x, into: &y, outer: 1, axis: axis, inner: inner)
      #expect(y[0].isNaN && y[1...].allSatisfy { $0 == 1 })
    }
  }
}
