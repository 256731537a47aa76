import Foundation
import Kernels
import Testing

/// Distances in units in the last place of float at the exact result, denormals counted as 2^-149.
private func ulps(_ actual: Float, _ exact: Double) -> Double {
  if exact.isNaN || actual.isNaN { return exact.isNaN && actual.isNaN ? 0 : .infinity }
  let rounded = Float(exact)
  if rounded.isInfinite || actual.isInfinite { return rounded == actual ? 0 : .infinity }
  return abs(Double(actual) - exact)
    / Double(max(rounded.magnitude.ulp, Float.leastNonzeroMagnitude))
}

/// Every 4099th bit pattern, so that every exponent and both signs are met, with the special values.
private let everywhere: [Float] =
  stride(from: UInt32(0), to: UInt32.max - 4099, by: 4099).map(Float.init(bitPattern:))
  + [0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude]

private func apply(_ function: UnaryFunction, _ x: [Float]) -> [Float] {
  var y = [Float](repeating: 0, count: x.count)
  function.apply(x, into: &y, count: x.count)
  return y
}

@Suite struct UnaryFunctionTests {
  struct Case: Sendable, CustomStringConvertible {
    let function: UnaryFunction
    let bound: Double
    let exact: @Sendable (Double) -> Double
    /// Results smaller than this are held to it in absolute terms.
    var flush = 0.0
    var description: String { "\(function)" }
  }

  static let cases = [
    Case(function: .exp, bound: 1.5, exact: { Foundation.exp($0) }),
    Case(function: .log, bound: 1.5, exact: { Foundation.log($0) }),
    Case(function: .erf, bound: 2, exact: { Foundation.erf($0) }),
    Case(function: .tanh, bound: 3, exact: { Foundation.tanh($0) }),
    Case(
      function: .sigmoid, bound: 3, exact: { 1 / (1 + Foundation.exp(-$0)) }, flush: 0x1p-126),
    Case(
      function: .silu, bound: 4, exact: { $0 / (1 + Foundation.exp(-$0)) }, flush: 0x1p-119),
    Case(
      function: .softplus, bound: 4, exact: { max($0, 0) + log1p(Foundation.exp(-Swift.abs($0))) }),
    Case(function: .sqrt, bound: 0.5, exact: { $0.squareRoot() }),
    Case(function: .reciprocal, bound: 0.5, exact: { 1 / $0 }),
    Case(function: .relu, bound: 0, exact: { $0.isNaN ? $0 : max($0, 0) }),
    Case(function: .roundToEven, bound: 0, exact: { $0.rounded(.toNearestOrEven) }),
    Case(function: .leakyRelu(alpha: 0.25), bound: 0.5, exact: { $0 < 0 ? 0.25 * $0 : $0 }),
    Case(
      function: .clip(min: -1, max: 2), bound: 0, exact: { $0.isNaN ? $0 : min(max($0, -1), 2) }),
  ]

  @Test(arguments: cases) func staysWithinItsErrorBound(_ test: Case) {
    var (worst, place) = (0.0, Float(0))
    for (x, y) in zip(everywhere, apply(test.function, everywhere)) {
      let exact = test.exact(Double(x))
      if Swift.abs(exact) < test.flush && Swift.abs(Double(y)) <= test.flush { continue }
      if x.isInfinite && exact.isNaN && y.isNaN { continue }
      let error = ulps(y, exact)
      if error > worst { (worst, place) = (error, x) }
    }
    #expect(worst <= test.bound, "\(worst) ulp at \(place)")
  }

  @Test func geluIsWithinItsAbsoluteBound() {
    for (x, y) in zip(everywhere, apply(.gelu, everywhere)) where x.isFinite {
      let exact = Double(x) * 0.5 * erfc(-Double(x) * 0.5.squareRoot())
      #expect(
        Swift.abs(Double(y) - exact) <= 0x1p-23 * max(Double(x.magnitude), 0x1p-126), "at \(x)")
    }
  }

  @Test func geluTanhIsWithinItsAbsoluteBound() {
    for (x, y) in zip(everywhere, apply(.geluTanh, everywhere)) where x.magnitude < 10 {
      let inner = (2 / Double.pi).squareRoot() * (Double(x) + 0.044715 * pow(Double(x), 3))
      let exact = 0.5 * Double(x) * (1 + Foundation.tanh(inner))
      #expect(
        Swift.abs(Double(y) - exact) <= 0x1p-22 * max(Double(x.magnitude), 0x1p-126), "at \(x)")
    }
  }

  @Test func resultsDoNotDependOnPosition() {
    let x = (0..<67).map { Float($0) * 0.37 - 11 }
    for function in [UnaryFunction.exp, .erf, .tanh, .gelu, .silu, .log] {
      let whole = apply(function, x).map(\.bitPattern)
      #expect(whole == x.map { apply(function, [$0])[0].bitPattern }, "\(function)")
    }
  }
}
