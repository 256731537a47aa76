import Foundation
import Testing

@testable import Statistics

@Suite struct OutputComparisonTests {
  static func compare(
    _ a: [[Float]], _ b: [[Float]], labels: [Int]? = nil, countsClasses: Bool = true
  ) -> OutputComparison {
    let means = a.first.map { row in
      row.indices.map { k in a.reduce(0) { $0 + Double($1[k]) } / Double(a.count) }
    }
    var comparison = OutputComparison(countsClasses: countsClasses, knownMeans: means)
    for index in a.indices { comparison.add(a[index][...], b[index][...], label: labels?[index]) }
    return comparison
  }

  static func samples(seed: UInt64) -> [[Float]] {
    let rows = Rows(50, width: 4, mean: 10, seed: seed)
    return (0..<50).map { Array(rows.values[$0 * 4..<$0 * 4 + 4]) }
  }

  @Test func `every measure is its definition`() {
    let (a, b) = (Self.samples(seed: 1), Self.samples(seed: 2))
    let labels = a.indices.map { $0 % 4 }
    let comparison = Self.compare(a, b, labels: labels)
    let pairs = zip(a.joined(), b.joined()).map { (Double($0), Double($1)) }
    let errors = pairs.map { abs($1 - $0) }
    #expect(comparison.sampleCount == 50)
    #expect(comparison.maxAbsoluteError == errors.max())
    #expect(abs(comparison.meanAbsoluteError - errors.reduce(0, +) / 200) <= 1e-13)
    #expect(comparison.minimumTolerance == pairs.map { abs($1 - $0) / (1 + abs($0)) }.max())

    let means = (0..<4).map { k in a.reduce(0) { $0 + Double($1[k]) } / 50 }
    let total = a.reduce(0) { sum, row in
      sum + (0..<4).reduce(0) { $0 + (Double(row[$1]) - means[$1]) * (Double(row[$1]) - means[$1]) }
    }
    let relative = errors.reduce(0) { $0 + $1 * $1 } / total
    #expect(abs(comparison.relativeError - relative) <= 1e-12 * relative)

    func dot(_ x: [Float], _ y: [Float]) -> Double {
      zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let cosine =
      zip(a, b).reduce(0) {
        $0 + dot($1.0, $1.1) / (dot($1.0, $1.0) * dot($1.1, $1.1)).squareRoot()
      } / 50
    #expect(abs(comparison.cosine - cosine) <= 1e-14)

    func top(_ row: [Float]) -> Int { row.firstIndex(of: row.max()!)! }
    let agreements = zip(a, b).filter { top($0) == top($1) }.count
    #expect(comparison.top1Agreement == Double(agreements) / 50)
    #expect(comparison.accuracy?.a == Double(zip(a, labels).filter { top($0) == $1 }.count) / 50)
    #expect(comparison.accuracy?.b == Double(zip(b, labels).filter { top($0) == $1 }.count) / 50)
  }

  @Test func `errors of what is not finite are none or infinite`() {
    let infinity = Double.infinity
    for (a, b, error) in [
      (1, 3.5, 2.5), (-infinity, -infinity, 0), (.nan, .nan, 0), (infinity, -infinity, infinity),
      (1, .nan, infinity), (.nan, 1, infinity), (infinity, .nan, infinity), (1, infinity, infinity),
    ] { #expect(OutputComparison.absoluteError(a, b) == error, "\(a), \(b)") }
  }

  @Test func `an infinity that both have makes nothing alike`() {
    let comparison = Self.compare([[1, 2, -.infinity]], [[-1, -2, -.infinity]])
    #expect(comparison.cosine == -1)
    #expect(comparison.maxAbsoluteError == 4)
  }

  @Test func `equal outputs have no error, whatever they hold`() {
    let a: [[Float]] = [[.nan, 1, .infinity], [0, 0, 0], [1, -.infinity, .nan]]
    let comparison = Self.compare(a, a)
    #expect(comparison.maxAbsoluteError == 0)
    #expect(comparison.meanAbsoluteError == 0)
    #expect(comparison.minimumTolerance == 0)
    #expect(comparison.relativeError == 0)
    #expect(comparison.cosine == 1)
    #expect(comparison.top1Agreement == 1)
  }

  @Test(arguments: [
    (Float.nan, Float(1)), (1, .nan), (.infinity, 1), (1, .infinity), (.infinity, -.infinity),
    (.nan, .infinity),
  ])
  func `a number on one side only is an infinite error`(_ a: Float, _ b: Float) {
    let comparison = Self.compare([[1, a], [2, 2]], [[1, b], [2, 2]])
    #expect(comparison.maxAbsoluteError == .infinity)
    #expect(comparison.meanAbsoluteError == .infinity)
    #expect(comparison.minimumTolerance == .infinity)
    #expect(comparison.relativeError == .infinity)
    #expect(comparison.relativeErrorBound(standardErrors: 1) == .infinity)
    #expect(comparison.cosine <= 1)
  }

  @Test(
    arguments: [
      ([.nan, 5], 0), ([-.infinity, 5], 0), ([5, .infinity], 0), ([.nan, .nan], 0),
      ([5, .nan, 7], 2), ([.nan, 1, 2, .infinity, 3], 2), ([1, 2, 3], 2),
    ] as [([Float], Double)])
  func `the scatter is that of finite values`(_ values: [Float], _ expected: Double) {
    // The same beside an element that is always finite, before it and after it.
    let samples = values.map { [1, $0, 1] }
    #expect(Self.compare(samples, samples).totalScatter == expected)
  }

  @Test func `outputs without a finite value are told apart`() {
    #expect(!Self.compare([[.nan], [.infinity]], [[.nan], [.infinity]]).hasFiniteValues)
    #expect(Self.compare([[.nan], [1]], [[.nan], [1]]).hasFiniteValues)
    #expect(Self.compare([[.nan, 1]], [[.nan, 1]]).hasFiniteValues)
    #expect(Self.compare([], []).hasFiniteValues)
  }

  @Test func `one sample may be lost whole`() {
    // All errors alike, each a ten-thousandth of what a sample varies by: others may still have one that
    // is off by as much as all of these.
    let outputs: [Float] = (0..<32).map { $0 % 2 == 0 ? 1 : -1 }
    let small = Self.compare(outputs.map { [$0] }, outputs.map { [$0 + 0.01] })
    #expect(small.relativeErrorBound(standardErrors: 0) >= 2 * small.relativeError)
    #expect(small.relativeErrorBound(standardErrors: 0) < 2.1 * small.relativeError)
    // A tenth: or one that is off by all there is.
    let large = Self.compare(outputs.map { [$0] }, outputs.map { [$0 + 0.3] })
    let bound = large.relativeErrorBound(standardErrors: 0)
    #expect(abs(bound - large.relativeError * 33 / 32 - 1.0 / 32) < 1e-6)
  }

  /// Squared errors as few samples have most of: e to a normal number, so that a twentieth of them has a
  /// quarter of all.
  @Test(arguments: [16, 64, 256])
  func `other samples stay within the bound 19 times of 20`(count: Int) {
    let trials = 400
    let outputs = Rows(2 * trials * count, width: 1, seed: 3).values
    let errors = Rows(2 * trials * count, width: 1, seed: 4).values.map { exp($0 / 2) / 10 }
    func measured(_ part: Int) -> OutputComparison {
      let rows = part * count..<(part + 1) * count
      return Self.compare(
        rows.map { [outputs[$0]] }, rows.map { [outputs[$0] + errors[$0]] }, countsClasses: false)
    }
    let standardErrors = 1.644854 * 2.0.squareRoot()
    let within = (0..<trials).count { trial in
      let bound = measured(2 * trial).relativeErrorBound(standardErrors: standardErrors)
      return measured(2 * trial + 1).relativeError <= bound
    }
    // Less two standard deviations of the count itself.
    let expected = Double(trials) * 0.95
    #expect(Double(within) >= expected - 2 * (expected * 0.05).squareRoot())
    // One that holds always would tell nothing.
    let typical = measured(0)
    #expect(
      typical.relativeErrorBound(standardErrors: standardErrors)
        <= typical.relativeError * (1 + 20 / Double(count).squareRoot()))
  }

  @Test func `the order of the samples does not change what others stay within`() {
    let outputs = Rows(16, width: 1, seed: 3).values.map { [$0] }
    let errors: [Float] = [5] + Array(repeating: 0.1, count: 15)
    let bounds = [errors, errors.reversed()].map { errors in
      Self.compare(outputs, zip(outputs, errors).map { [$0[0] + $1] })
        .relativeErrorBound(standardErrors: 2)
    }
    let order = Array((0..<16).reversed())
    let reversed = Self.compare(
      order.map { outputs[$0] }, order.map { [outputs[$0][0] + errors[$0]] }
    ).relativeErrorBound(standardErrors: 2)
    #expect(abs(reversed - bounds[0]) < 1e-9 * bounds[0])
    #expect(abs(bounds[1] - bounds[0]) > 1e-9 * bounds[0], "another sample has the error")
  }

  @Test func `samples that are there twice count once`() {
    let (a, b) = (Self.samples(seed: 1), Self.samples(seed: 2))
    let once = Self.compare(a, b).relativeErrorBound(standardErrors: 2)
    let twice = Self.compare(a + a, b + b)
    #expect(twice.relativeErrorBound(standardErrors: 2) < 0.9 * once)
    let told = twice.relativeErrorBound(standardErrors: 2, repetition: 2)
    #expect(abs(told - once) < 1e-9 * once)
  }

  @Test func `outputs that do not vary are told apart`() {
    #expect(Self.compare([[1], [1]], [[1], [2]]).relativeError == .infinity)
    #expect(Self.compare([[0, 0]], [[1, 0]]).cosine == 0)
    #expect(Self.compare([[1]], [[1]], countsClasses: false).top1Agreement == nil)
    #expect(Self.compare([[1]], [[1]]).accuracy == nil)
    #expect(Self.compare([], []).top1Agreement == nil)
  }
}
