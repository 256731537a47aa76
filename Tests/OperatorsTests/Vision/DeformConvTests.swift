import GraphIR
import Tensors
import Testing

struct DeformConvTests {
  /// x between its elements, zero outside.
  static func sample(_ x: NaiveArray, _ channel: [Int], _ place: [Double]) -> Double {
    NaiveArray.indices(place.map { _ in 2 }).reduce(0) { sum, corner in
      let floors = place.map { $0.rounded(.down) }
      let weight = place.indices.reduce(1.0) {
        let t = place[$1] - floors[$1]
        return $0 * (corner[$1] == 0 ? 1 - t : t)
      }
      let index = channel + place.indices.map { Int(floors[$0]) + corner[$0] }
      return sum + weight * (x.inside(index) ?? 0)
    }
  }

  /// Offsets and masks are eighths, so that every sum is exact.
  @Test(arguments: [[5, 4], [6], [3, 3, 4]], [1, 2])
  func agrees(_ spatial: [Int], _ groups: Int) throws {
    let rank = spatial.count
    let kernel = [Int](repeating: 2, count: rank)
    let points = kernel.reduce(1, *)
    let output = spatial.map { ($0 + 1 - 2) / 2 + 1 }
    let x = NaiveArray(integers: [2, 4] + spatial)
    let w = NaiveArray(integers: [2, 4 / groups] + kernel, seed: 2)
    let bias = NaiveArray(integers: [2], seed: 3)
    let whole = NaiveArray(integers: [2, 2 * points * rank] + output, seed: 4)
    let offsets = NaiveArray(whole.shape) { whole[$0] / 4 }
    let steps = NaiveArray(integers: [2, 2 * points] + output, seed: 5)
    let mask = NaiveArray(steps.shape) { steps[$0] / 2 }
    let y = NaiveArray([2, 2] + output) { index in
      var sum = bias[[index[1]]]
      for c in 0..<4 / groups {
        let channel = groups == 1 ? c : index[1] * 2 + c
        for (k, position) in NaiveArray.indices(kernel).enumerated() {
          let point = channel / 2 * points + k
          let place = (0..<rank).map { axis in
            Double(index[2 + axis] * 2 + position[axis] - 1)
              + offsets[[index[0], point * rank + axis] + index[2...]]
          }
          sum +=
            w[[index[1], c] + position] * mask[[index[0], point] + index[2...]]
            * Self.sample(x, [index[0], channel], place)
        }
      }
      return sum
    }
    let ones = [Int](repeating: 1, count: rank)
    let attributes = [
      Attribute("strides", ones.map { $0 * 2 }), Attribute("pads", ones + ones.map { _ in 0 }),
      Attribute("group", groups), Attribute("offset_group", 2),
    ]
    try OperatorCase(
      "DeformConv", [x, w, offsets, bias, mask].map(\.float), attributes, gives: [y.float]
    ).check()
    try OperatorCase(
      "DeformConv", [x, w, offsets, bias, mask].map(\.double), attributes, gives: [y.double]
    ).check()
  }

  static func failure(
    _ offsets: [Int], _ attributes: [Attribute] = [], _ message: String
  ) -> OperatorCase {
    OperatorCase(
      "DeformConv",
      [[1, 1, 3], [1, 1, 2], offsets].map { NaiveArray(integers: $0).float }, attributes,
      fails: message)
  }

  static let failures = [
    failure([1, 2, 3], [], "expected offsets of shape [1, 2, 2], got [1, 2, 3]"),
    failure(
      [1, 2, 2], [Attribute("offset_group", 2)],
      "channels do not fit 1 groups and 2 of offsets, got [1, 1, 3] and [1, 1, 2]"),
    failure(
      [1, 2, 2], [Attribute("group", 0)], "attribute 'group' must be positive, got 0"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }

  /// A place that is no number lies nowhere.
  @Test func notANumber() throws {
    try OperatorCase(
      "DeformConv",
      [
        Tensor([1, 2] as [Float], shape: [1, 1, 2]), Tensor([1] as [Float], shape: [1, 1, 1]),
        Tensor([.nan, .infinity] as [Float], shape: [1, 1, 2]),
      ], gives: [Tensor([0, 0] as [Float], shape: [1, 1, 2])]
    ).check()
  }
}
