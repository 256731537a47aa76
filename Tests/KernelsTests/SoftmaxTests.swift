import Foundation
import Kernels
import Testing

/// Values in (-12, 12), each row with a spread that its softmax has to resolve.
private func values(_ count: Int) -> [Float] {
  (0..<count).map { Float(($0 * 7919) % 1201) / 50 - 12 }
}

@Suite struct SoftmaxTests {
  /// Lengths below, at and beyond one block of sixteen lanes and one stretch of 1024; more rows than one
  /// group of four.
  static let shapes = [(1, 1), (5, 7), (4, 16), (9, 50), (3, 197), (2, 257), (2, 1024), (1, 2500)]

  /// The terms of the first row of a scaled and masked x, and their largest, in double precision.
  private func exact(_ x: ArraySlice<Float>, _ mask: ArraySlice<Float>?, _ scale: Float) -> [Double]
  {
    let scaled = x.enumerated().map { i, v in
      Double(scale) * Double(v) + (mask.map { Double($0[$0.startIndex + i]) } ?? 0)
    }
    let largest = scaled.max() ?? 0
    return scaled.map { $0 - largest }
  }

  /// Scaling and adding the mask err by 2^-24 of the largest argument, 12 at scale 1/2 and mask 5.
  @Test(arguments: shapes, [false, true]) func agreesWithTheDefinition(
    _ shape: (rows: Int, count: Int), masked: Bool
  ) {
    let (rows, count) = shape
    let x = values(rows * count)
    let mask = (0..<rows * count).map { Float($0 % 11) / 2 }
    var y = [Float](repeating: .nan, count: rows * count)
    mask.withUnsafeBufferPointer {
      Softmax.softmax(
        x, into: &y, rows: rows, count: count, scale: 0.5, mask: masked ? $0.baseAddress : nil,
        maskStride: count)
    }
    let bound = Double(10 + count / 1024) * 0x1p-23 + 2 * 12 * 0x1p-24
    for row in 0..<rows {
      let range = row * count..<(row + 1) * count
      let terms = exact(x[range], masked ? mask[range] : nil, 0.5).map { Foundation.exp($0) }
      let sum = terms.reduce(0, +)
      for (actual, term) in zip(y[range], terms) {
        #expect(Swift.abs(Double(actual) - term / sum) <= bound * term / sum)
      }
    }
  }

  /// Differences of arguments below 24 and a logarithm below 32, each rounded twice.
  @Test(arguments: shapes) func logSoftmaxAgreesWithTheDefinition(
    _ shape: (rows: Int, count: Int)
  ) {
    let (rows, count) = shape
    let x = values(rows * count)
    var y = [Float](repeating: .nan, count: rows * count)
    Softmax.logSoftmax(x, into: &y, rows: rows, count: count)
    for row in 0..<rows {
      let range = row * count..<(row + 1) * count
      let arguments = exact(x[range], nil, 1)
      let logarithm = Foundation.log(arguments.reduce(0) { $0 + Foundation.exp($1) })
      for (actual, argument) in zip(y[range], arguments) {
        let bound = Double(10 + count / 1024) * 0x1p-23 + 4 * 32 * 0x1p-24
        #expect(Swift.abs(Double(actual) - (argument - logarithm)) <= bound)
      }
    }
  }

  @Test(arguments: [3, 16, 21]) func maskedElementsAreZeroAndAMaskedRowIsNaN(count: Int) {
    var x = [Float](repeating: 1, count: 2 * count)
    x[count - 1] = -.infinity
    for i in count..<2 * count { x[i] = -.infinity }
    var y = x
    Softmax.softmax(x, into: &y, rows: 2, count: count)
    #expect(y[count - 1] == 0)
    #expect(Swift.abs(y[0] * Float(count - 1) - 1) <= 4 * Float.ulpOfOne)
    #expect(y[count...].allSatisfy { $0.isNaN })
  }

  @Test func aNaNReachesItsWholeRowAndNoOther() {
    var x = values(40)
    x[3] = .nan
    var y = x
    Softmax.softmax(x, into: &y, rows: 2, count: 20)
    #expect(y[..<20].allSatisfy { $0.isNaN } && y[20...].allSatisfy { $0 > 0 })
  }

  @Test func rowsApartLeaveWhatLiesBetweenAlone() {
    let x = values(30)
    var (y, packed) = ([Float](repeating: 7, count: 40), [Float](repeating: 0, count: 10))
    Softmax.softmax(x, into: &y, rows: 2, count: 5, xStride: 15, yStride: 20)
    Softmax.softmax(Array(x[..<5] + x[15..<20]), into: &packed, rows: 2, count: 5)
    #expect(Array(y[..<5]) == Array(packed[..<5]) && Array(y[20..<25]) == Array(packed[5...]))
    #expect(y[5..<20].allSatisfy { $0 == 7 } && y[25...].allSatisfy { $0 == 7 })
  }
}
