import Foundation
import GraphIR
import Tensors
import Testing

struct SoftmaxTests {
  /// What a node of the family makes of one row.
  static let functions: [(String, @Sendable ([Double]) -> [Double])] = [
    ("Softmax", { row in row.map { exp($0) / row.reduce(0) { $0 + exp($1) } } }),
    ("LogSoftmax", { row in row.map { $0 - log(row.reduce(0) { $0 + exp($1) }) } }),
    (
      "Hardmax",
      { row in
        let best = row.firstIndex(of: row.max()!)!
        return row.indices.map { $0 == best ? 1 : 0 }
      }
    ),
  ]

  /// Shape, version, axis (`nil`: the default) and the axes taken together.
  static let settings: [([Int], Int, Int?, ClosedRange<Int>)] = [
    ([3, 5], 21, nil, 1...1), ([2, 3, 4], 13, nil, 2...2), ([2, 3, 4], 13, 1, 1...1),
    ([2, 3, 4], 21, -3, 0...0), ([2, 3, 4], 11, nil, 1...2), ([2, 3, 4], 11, -1, 2...2),
    ([2, 3, 4], 11, 0, 0...2), ([2, 3, 4], 7, 2, 2...2), ([4], 21, 0, 0...0),
    ([2, 1, 3, 70], 21, 3, 3...3),
  ]

  static func cases(_ function: (String, @Sendable ([Double]) -> [Double])) -> [OperatorCase] {
    settings.flatMap { shape, opset, axis, together in
      let x = NaiveArray(shape) { index in
        sin(Double(index.reduce(1) { $0 * 7 + $1 })) * 4
      }
      let y = NaiveArray(shape) { index in
        let rows = NaiveArray.indices(together.map { shape[$0] }).map { part in
          var place = index
          place.replaceSubrange(together, with: part)
          return place
        }
        // The kernel sees what `Float` keeps of x, and so does the reference.
        let row = rows.map { Double(Float(x[$0])) }
        return function.1(row)[rows.firstIndex(of: index)!]
      }
      // Softmax: (10 + n / 1024) 2^-23 relative. Its logarithm adds the rounding of numbers up to 16.
      let attributes = axis.map { [Attribute("axis", $0)] } ?? []
      let float = NaiveArray(shape) { Double(Float(x[$0])) }
      return [
        OperatorCase(
          function.0, opset: opset, [x.float], attributes, gives: [y.float],
          tolerance: Tolerance(relative: 11 * 0x1p-23, absolute: 16 * 0x1p-23)),
        OperatorCase(
          function.0, opset: opset, [float.double], attributes, gives: [y.double],
          tolerance: Tolerance(relative: 0x1p-48, absolute: 0x1p-48)),
      ]
    }
  }

  @Test(arguments: functions.flatMap { cases($0) })
  func agrees(_ operatorCase: OperatorCase) throws { try operatorCase.check() }

  static let edges = [
    OperatorCase(
      "Softmax", [Tensor([1000, 1000, -.infinity] as [Float])],
      gives: [Tensor([0.5, 0.5, 0] as [Float])]),
    OperatorCase(
      "Softmax", [NaiveArray([4]) { _ in 3 }.float16],
      gives: [NaiveArray([4]) { _ in 0.25 }.float16]),
    OperatorCase(
      "Softmax", [NaiveArray([4, 2]) { _ in 3 }.bfloat16], [Attribute("axis", 0)],
      gives: [NaiveArray([4, 2]) { _ in 0.25 }.bfloat16]),
    OperatorCase(
      "Softmax", [Tensor([] as [Float], shape: [2, 0])],
      gives: [Tensor([] as [Float], shape: [2, 0])]),
    OperatorCase(
      "Hardmax", [Tensor([1, 3, 3, .nan, 9, .nan] as [Float], shape: [2, 3])],
      gives: [Tensor([0, 1, 0, 1, 0, 0] as [Float], shape: [2, 3])]),
    OperatorCase(
      "Softmax", [Tensor([1] as [Float])], [Attribute("axis", 1)],
      fails: "axis 1 is out of range for rank 1"),
    OperatorCase(
      "LogSoftmax", [Tensor([1] as [Int32])], fails: "LogSoftmax of int32 is not supported"),
  ]

  @Test(arguments: edges) func keepsEdges(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
