import GraphIR
import Tensors
import Testing

struct GemmTests {
  /// One setting of the attributes with the shape of C, if any.
  struct Setting: Sendable {
    var alpha: Float = 1
    var beta: Float = 1
    var transposesA = false
    var transposesB = false
    var c: [Int]?

    var attributes: [Attribute] {
      [
        Attribute("alpha", alpha), Attribute("beta", beta),
        Attribute("transA", transposesA ? 1 : 0), Attribute("transB", transposesB ? 1 : 0),
      ]
    }
  }

  static let settings = [
    Setting(), Setting(c: [3, 5]), Setting(c: [5]), Setting(c: [3, 1]), Setting(c: [1, 5]),
    Setting(c: []), Setting(transposesA: true), Setting(transposesB: true, c: [5]),
    Setting(alpha: 0.5, beta: 0.25, transposesA: true, transposesB: true, c: [3, 5]),
    Setting(beta: 0, c: [1]),
  ]

  static func cases(_ setting: Setting, k: Int) -> [OperatorCase] {
    let a = NaiveArray(integers: setting.transposesA ? [k, 3] : [3, k])
    let b = NaiveArray(integers: setting.transposesB ? [5, k] : [k, 5], seed: 2)
    let c = setting.c.map { NaiveArray(integers: $0, seed: 3) }
    let y = NaiveArray([3, 5]) { index in
      let sum = (0..<k).reduce(0.0) { sum, k in
        sum + a[setting.transposesA ? [k, index[0]] : [index[0], k]]
          * b[setting.transposesB ? [index[1], k] : [k, index[1]]]
      }
      return Double(setting.alpha) * sum + (c.map { Double(setting.beta) * $0[index] } ?? 0)
    }
    return [
      OperatorCase(
        "Gemm", [a.float, b.float] + (c.map { [$0.float] } ?? []), setting.attributes,
        gives: [y.float]),
      OperatorCase(
        "Gemm", [a.double, b.double] + (c.map { [$0.double] } ?? []), setting.attributes,
        gives: [y.double]),
    ]
  }

  static let others: [OperatorCase] = {
    let (a, b) = (NaiveArray(integers: [2, 3]), NaiveArray(integers: [3, 2], seed: 2))
    let y = NaiveArray([2, 2]) { index in
      (0..<3).reduce(0.0) { $0 - 2 * a[[index[0], $1]] * b[[$1, index[1]]] } + 3
    }
    let whole = [Attribute("alpha", Float(-2)), Attribute("beta", Float(3))]
    let c = NaiveArray([1]) { _ in 1 }
    return [
      OperatorCase(
        "Gemm", [a, b, c].map { $0.integers(Int64.self) }, whole, gives: [y.integers(Int64.self)]),
      OperatorCase("Gemm", [a, b, c].map(\.float16), whole, gives: [y.float16]),
      OperatorCase(
        "Gemm", [a, b].map { $0.integers(Int32.self) }, [Attribute("alpha", Float(0.5))],
        fails: "Gemm of int32 by fractions of 0.5 and 1.0 is not supported"),
    ]
  }()

  static let failures = [
    OperatorCase(
      "Gemm", [NaiveArray(integers: [2, 3]).float, NaiveArray(integers: [4, 2]).float],
      fails: "inner dimensions differ, got [2, 3] and [4, 2]"),
    OperatorCase(
      "Gemm", [NaiveArray(integers: [2, 3, 1]).float, NaiveArray(integers: [3, 2]).float],
      fails: "expected two axes, got [2, 3, 1] and [3, 2]"),
    OperatorCase(
      "Gemm",
      [
        NaiveArray(integers: [2, 3]).float, NaiveArray(integers: [3, 2]).float,
        NaiveArray(integers: [3]).float,
      ], fails: "expected C to broadcast to [2, 2], got [3]"),
  ]

  @Test(
    arguments: settings.flatMap { cases($0, k: 4) + cases($0, k: 1) + cases($0, k: 0) } + others)
  func agrees(_ operatorCase: OperatorCase) throws { try operatorCase.check() }

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
