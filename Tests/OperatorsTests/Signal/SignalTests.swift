import Foundation
import GraphIR
import Operators
import Tensors
import Testing

struct SignalTests {
  /// The transform of pairs of numbers, summed term by term.
  static func transform(_ x: [(Double, Double)], inverse: Bool = false) -> [(Double, Double)] {
    let count = x.count
    return (0..<count).map { k in
      x.indices.reduce((0.0, 0.0)) { sum, n in
        let angle = (inverse ? 2 : -2) * Double.pi * Double(k * n % count) / Double(count)
        let (c, s) = (cos(angle), sin(angle))
        return (sum.0 + x[n].0 * c - x[n].1 * s, sum.1 + x[n].0 * s + x[n].1 * c)
      }
    }
  }

  /// Signals of whole numbers from -8 to 8, cut or filled with zeros to a length.
  static func signal(_ extent: Int, width: Int, length: Int) -> (NaiveArray, [(Double, Double)]) {
    let x = NaiveArray(integers: [extent, width])
    return (
      x,
      (0..<length).map { n in
        n < extent ? (x[[n, 0]], width == 2 ? x[[n, 1]] : 0) : (0, 0)
      }
    )
  }

  /// A sum of N numbers of at most 8 (√2 · 8 where they are complex) is off by some N 2^-50 in double.
  static let tolerance = Tolerance(absolute: 1e-10)

  @Test(arguments: [1, 2, 3, 5, 8, 12, 16, 31, 60, 64, 100], [1, 2])
  func transformsAnyLength(_ length: Int, width: Int) throws {
    let (x, line) = Self.signal(length, width: width, length: length)
    let y = Self.transform(line)
    try OperatorCase(
      "DFT", [x.reshaped([1, length, width]).double],
      gives: [Tensor(y.flatMap { [$0.0, $0.1] }, shape: [1, length, 2])], tolerance: Self.tolerance
    ).check()
    let back = Self.transform(line, inverse: true).flatMap {
      [$0.0 / Double(length), $0.1 / Double(length)]
    }
    try OperatorCase(
      "DFT", [x.double], [Attribute("inverse", 1)],
      gives: [Tensor(back, shape: [length, 2])], tolerance: Self.tolerance
    ).check()
  }

  @Test(arguments: [(7, 7), (8, 8), (6, 9), (9, 4), (3, 16)])
  func transformsOneSide(_ extent: Int, length: Int) throws {
    let (x, line) = Self.signal(extent, width: 1, length: length)
    let half = Self.transform(line).prefix(length / 2 + 1)
    let spectrum = Tensor(half.flatMap { [$0.0, $0.1] }, shape: [half.count, 2])
    let size = Tensor.scalar(Int64(length))
    try OperatorCase(
      "DFT", [x.double, size, .scalar(-2 as Int64)], [Attribute("onesided", 1)], gives: [spectrum],
      tolerance: Self.tolerance
    ).check()
    try OperatorCase(
      "DFT", [spectrum, size], [Attribute("onesided", 1), Attribute("inverse", 1)],
      gives: [Tensor(line.map(\.0), shape: [length, 1])], tolerance: Self.tolerance
    ).check()
  }

  @Test(arguments: [0, 1])
  func transformsAnyAxis(_ axis: Int) throws {
    let x = NaiveArray(integers: [6, 5, 2])
    var y = NaiveArray([6, 5, 2]) { _ in 0 }
    for other in 0..<(axis == 0 ? 5 : 6) {
      func index(_ n: Int, _ part: Int) -> [Int] {
        axis == 0 ? [n, other, part] : [other, n, part]
      }
      let line = (0..<x.shape[axis]).map { (x[index($0, 0)], x[index($0, 1)]) }
      for (k, value) in Self.transform(line).enumerated() {
        let place = axis == 0 ? k * 5 + other : other * 5 + k
        (y.values[2 * place], y.values[2 * place + 1]) = value
      }
    }
    try OperatorCase(
      "DFT", [x.double, nil, .scalar(Int64(axis))], gives: [y.double], tolerance: Self.tolerance
    ).check()
    try OperatorCase(
      "DFT", opset: 17, [x.double], [Attribute("axis", axis)], gives: [y.double],
      tolerance: Self.tolerance
    ).check()
  }

  @Test(arguments: [0, 1])
  func transformsFrames(_ onesided: Int) throws {
    let x = NaiveArray(integers: [2, 20, 1])
    let window = NaiveArray(integers: [6])
    let bins = onesided == 1 ? 4 : 6
    var y: [Double] = []
    for n in 0..<2 {
      for frame in 0..<5 {
        let line = (0..<6).map { (x[[n, frame * 3 + $0, 0]] * window[[$0]], 0.0) }
        for (real, imaginary) in Self.transform(line).prefix(bins) { y += [real, imaginary] }
      }
    }
    try OperatorCase(
      "STFT", [x.double, .scalar(3 as Int64), window.double, .scalar(6 as Int32)],
      [Attribute("onesided", onesided)], gives: [Tensor(y, shape: [2, 5, bins, 2])],
      tolerance: Self.tolerance
    ).check()
  }

  static let cases = [
    OperatorCase(
      "HannWindow", [.scalar(4 as Int64)], [Attribute("periodic", 1)],
      gives: [Tensor([0, 0.5, 1, 0.5] as [Float])], tolerance: Tolerance(absolute: 1e-7)),
    OperatorCase(
      "HannWindow", [.scalar(1 as Int32)],
      [Attribute("periodic", 0), Attribute("output_datatype", 7)], gives: [Tensor([1 as Int64])]),
    OperatorCase("BlackmanWindow", [.scalar(0 as Int64)], gives: [Tensor([Float]())]),
    OperatorCase(
      "MelWeightMatrix",
      [
        .scalar(1 as Int64), .scalar(4 as Int64), .scalar(8 as Int64), .scalar(1e30 as Float),
        .scalar(2e30 as Float),
      ], gives: [Tensor([0, 0, 0] as [Float], shape: [3, 1])]),
  ]

  @Test(arguments: cases)
  func agrees(_ example: OperatorCase) throws { try example.check() }

  static let failures = [
    OperatorCase(
      "DFT", [NaiveArray(integers: [4, 3]).float],
      fails: "expected real or complex numbers on the last axis, got [4, 3]"),
    OperatorCase(
      "DFT", [NaiveArray(integers: [4, 2]).float], [Attribute("onesided", 1)],
      fails: "one side of a spectrum: expected real numbers, got [4, 2]"),
    OperatorCase(
      "DFT", [NaiveArray(integers: [4, 2]).float, .scalar(Int64.max)],
      fails: "dft_length: expected 1 to 2^28, got 9223372036854775807"),
    OperatorCase(
      "DFT", [NaiveArray(integers: [4, 2]).float, nil, .scalar(-1 as Int64)],
      fails: "axis 1 of [4, 2] holds real and imaginary parts"),
    OperatorCase(
      "STFT", [NaiveArray(integers: [1, 4, 1]).float, .scalar(0 as Int64)],
      fails: "frame_step: expected at least 1, got 0"),
    OperatorCase(
      "STFT",
      [NaiveArray(integers: [1, 4, 1]).float, .scalar(1 as Int64), nil, .scalar(5 as Int64)],
      fails: "frames of 5 do not fit a signal of 4"),
    OperatorCase(
      "HannWindow", [.scalar(-1 as Int64)], fails: "shape [-1] has a negative dimension"),
  ]

  @Test(arguments: failures)
  func refuses(_ failure: OperatorCase) throws { try failure.check() }
}
