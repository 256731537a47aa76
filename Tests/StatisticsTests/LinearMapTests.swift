import Testing

@testable import Statistics

@Suite struct LinearMapTests {
  static let weight = Rows(3, width: 3, seed: 1).values

  @Test(arguments: [
    (LinearMap.identity, 0), (.bias([1, 2, 3]), 3),
    (.diagonal(scale: [2, 3, 4], bias: [1, 2, 3]), 6), (.linear(weight: weight, bias: nil), 9),
    (.linear(weight: weight, bias: [1, 2, 3]), 12),
  ])
  func `a map is applied row by row`(_ map: LinearMap, _ parameterCount: Int) {
    let x = Rows(7, width: 3, seed: 2)
    let dense: (weight: [Float], bias: [Float]) =
      switch map {
      case .identity: ([1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0])
      case .bias(let bias): ([1, 0, 0, 0, 1, 0, 0, 0, 1], bias)
      case .diagonal(let scale, let bias):
        ([scale[0], 0, 0, 0, scale[1], 0, 0, 0, scale[2]], bias)
      case .linear(let weight, let bias): (weight, bias ?? [0, 0, 0])
      }
    let expected = x.mapped(by: dense.weight, bias: dense.bias)
    // Four roundings of terms below 16.
    for (got, wanted) in zip(map(x.values, width: 3), expected.values) {
      #expect(abs(got - wanted) <= 4 * 16 * Float.ulpOfOne)
    }
    #expect(map.parameterCount == parameterCount)
  }
}
