import Testing

@testable import Statistics

@Suite struct LinearMapTests {
  static let square = [Float](repeating: 1, count: 9)
  static let row: [Float] = [1, 2, 3]

  @Test(arguments: [
    (LinearMap.identity, 0), (.bias(row), 3), (.diagonal(scale: row, bias: row), 6),
    (.lowRank(down: row + row, up: row + row, bias: row), 15),
    (.linear(weight: square, bias: nil), 9), (.linear(weight: square, bias: row), 12),
    (.context(weight: square, context: square, bias: row), 21),
    (.convolution(kernel: [Float](repeating: 1, count: 81), bias: row), 84),
  ])
  func `every number counts`(_ map: LinearMap, _ parameterCount: Int) {
    #expect(map.parameterCount == parameterCount)
  }
}
