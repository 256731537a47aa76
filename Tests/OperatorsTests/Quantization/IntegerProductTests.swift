import GraphIR
import Operators
import Tensors
import Testing

/// MatMulInteger and ConvInteger, held to sums in `Int`, exactly: also where a float could not hold the sum
/// of all products.
struct IntegerProductTests {
  @Test(arguments: [
    ProductCase(m: 3, n: 5, k: 1200, aZeros: [255], bZeros: [0]),
    ProductCase(m: 300, n: 2, k: 259, aZeros: [0], bZeros: [255]),
    ProductCase(m: 2, n: 1030, k: 3, aZeros: [7], bZeros: [9]),
    ProductCase(m: 3, n: 2, k: 600, aZeros: [0, 128, 255], bZeros: [1, 200]),
    ProductCase(m: 2, n: 2, k: 0, aZeros: [1], bZeros: [1]),
  ])
  func matricesAreExact(_ test: ProductCase) throws {
    let a = (0..<test.m * test.k).map { UInt8($0 % 7 == 0 ? $0 % 256 : 0) }
    let b = (0..<test.k * test.n).map { UInt8($0 % 5 == 0 ? $0 % 256 : 255) }
    var y = [Int32](repeating: 0, count: test.m * test.n)
    for row in 0..<test.m {
      for column in 0..<test.n {
        var sum = 0
        for i in 0..<test.k {
          sum +=
            (Int(a[row * test.k + i]) - Int(test.aZeros[row % test.aZeros.count]))
            * (Int(b[i * test.n + column]) - Int(test.bZeros[column % test.bZeros.count]))
        }
        y[row * test.n + column] = Int32(sum)
      }
    }
    try OperatorCase(
      "MatMulInteger",
      [
        Tensor(a, shape: [test.m, test.k]), Tensor(b, shape: [test.k, test.n]),
        Tensor(test.aZeros), Tensor(test.bZeros),
      ], gives: [Tensor(y, shape: [test.m, test.n])]
    ).check()
  }

  struct ProductCase: Sendable {
    let m, n, k: Int
    let aZeros, bZeros: [UInt8]
  }

  @Test(arguments: [
    ConvCase(channels: 4, outputs: 4, groups: 4, input: [9], kernel: [3], step: 2),
    ConvCase(channels: 70, outputs: 2, groups: 1, input: [5, 4], kernel: [3, 2], step: 1),
    ConvCase(channels: 60, outputs: 4, groups: 2, input: [3, 3, 4], kernel: [2, 3, 2], step: 1),
    ConvCase(channels: 3, outputs: 2, groups: 1, input: [6], kernel: [1], step: 1),
  ])
  func convolutionsAreExact(_ test: ConvCase) throws {
    let rank = test.input.count
    let inner = test.channels / test.groups
    let x = (0..<2 * test.channels * test.input.reduce(1, *)).map { UInt8($0 * 37 % 256) }
    let w = (0..<test.outputs * inner * test.kernel.reduce(1, *)).map {
      Int8(truncatingIfNeeded: $0 % 3 == 0 ? -128 : $0 * 11)
    }
    let wZeros = (0..<test.outputs).map { Int8($0 - 1) }
    let output = zip(test.input, test.kernel).map { ($0 + 1 - $1) / test.step + 1 }
    var y: [Int32] = []
    for image in 0..<2 {
      for channel in 0..<test.outputs {
        for place in places(output) {
          var sum = 0
          for i in 0..<inner {
            for tap in places(test.kernel) {
              // One place of padding before the first element.
              let at = (0..<rank).map { place[$0] * test.step + tap[$0] - 1 }
              guard zip(at, test.input).allSatisfy({ (0..<$1).contains($0) }) else { continue }
              let c = channel / (test.outputs / test.groups) * inner + i
              let source = x[index([image, c] + at, [2, test.channels] + test.input)]
              let weight = w[index([channel, i] + tap, [test.outputs, inner] + test.kernel)]
              sum += (Int(source) - 200) * (Int(weight) - Int(wZeros[channel]))
            }
          }
          y.append(Int32(sum))
        }
      }
    }
    try OperatorCase(
      "ConvInteger",
      [
        Tensor(x, shape: [2, test.channels] + test.input),
        Tensor(w, shape: [test.outputs, inner] + test.kernel), .scalar(200 as UInt8),
        Tensor(wZeros),
      ],
      [
        Attribute("group", test.groups), Attribute("strides", test.input.map { _ in test.step }),
        Attribute("pads", test.input.map { _ in 1 } + test.input.map { _ in 0 }),
      ], gives: [Tensor(y, shape: [2, test.outputs] + output)]
    ).check()
  }

  struct ConvCase: Sendable {
    let channels, outputs, groups: Int
    let input, kernel: [Int]
    let step: Int
  }

  private func places(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { places, extent in places.flatMap { p in (0..<extent).map { p + [$0] } } }
  }

  private func index(_ place: [Int], _ shape: [Int]) -> Int {
    zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 }
  }

  @Test(arguments: [
    OperatorCase(
      "MatMulInteger", [.uint8("1 2", [1, 2]), .uint8("1 2 3", [3, 1])],
      fails: "inner dimensions differ, got [1, 2] and [3, 1]"),
    OperatorCase(
      "MatMulInteger", [.uint8("1 2", [1, 2]), .uint8("1 2", [2, 1]), .int8("0")],
      fails: "element types differ, got uint8 and int8"),
    OperatorCase(
      "MatMulInteger", [.uint8("1 2", [1, 2]), .uint8("1 2", [2, 1]), .uint8("0 1")],
      fails: "zero point: expected one number or 1 for [1, 2], got shape [2]"),
    OperatorCase(
      "MatMulInteger", [.float("1 2", [1, 2]), .uint8("1 2", [2, 1])],
      fails: "MatMulInteger of float is not supported"),
    OperatorCase(
      "ConvInteger",
      [.uint8("1 2", [1, 1, 2]), .uint8("1 2", [1, 1, 2]), .uint8("1 2")],
      fails: "zero point: expected one number, got [2]"),
    OperatorCase(
      "QLinearConv",
      [
        .uint8("1 2", [1, 1, 2]), .float("1", []), .uint8("0", []), .uint8("1 2", [1, 1, 2]),
        .float("1 2 3"), .uint8("0", []), .float("1", []), .uint8("0", []),
      ], fails: "scale: expected one number or 1, got [3]"),
  ])
  func refuses(_ testCase: OperatorCase) throws { try testCase.check() }
}
