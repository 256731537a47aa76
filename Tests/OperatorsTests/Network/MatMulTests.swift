import Operators
import Tensors
import Testing

struct MatMulTests {
  /// Y = Σ A[..., i, k] B[..., k, j], vectors taken as one row or one column.
  static func product(_ a: NaiveArray, _ b: NaiveArray) -> NaiveArray {
    let left = a.shape.count == 1 ? a.reshaped([1] + a.shape) : a
    let right = b.shape.count == 1 ? b.reshaped(b.shape + [1]) : b
    let rank = max(left.shape.count, right.shape.count) - 2
    func padded(_ array: NaiveArray) -> [Int] {
      let batch = array.shape.dropLast(2)
      return [Int](repeating: 1, count: rank - batch.count) + batch
    }
    let batch = zip(padded(left), padded(right)).map { $0 == 1 ? $1 : $0 }
    let (m, k, n) = (
      left.shape[left.shape.count - 2], left.shape.last!, right.shape.last!
    )
    let full = NaiveArray(batch + [m, n]) { index in
      let (outer, i, j) = (Array(index.dropLast(2)), index[rank], index[rank + 1])
      return (0..<k).reduce(0) { $0 + left[outer + [i, $1]] * right[outer + [$1, j]] }
    }
    return full.reshaped(
      batch + (a.shape.count == 1 ? [] : [m]) + (b.shape.count == 1 ? [] : [n]))
  }

  static let shapes: [([Int], [Int])] = [
    ([3, 4], [4, 5]), ([2, 3, 4], [4, 5]), ([2, 3, 4], [1, 4, 5]), ([2, 3, 4], [2, 4, 5]),
    ([3, 4], [2, 4, 5]), ([2, 1, 3, 4], [3, 4, 5]), ([4], [4, 5]), ([3, 4], [4]), ([4], [4]),
    ([2, 3, 4], [4]), ([4], [2, 4, 3]), ([1, 4], [4, 1]), ([5, 1], [1, 6]), ([1], [1, 3]),
    ([2, 0], [0, 3]), ([2, 2, 0], [2, 0, 3]), ([0, 4], [4, 3]), ([2, 0, 4], [4, 3]),
    ([37, 65], [65, 33]),
  ]

  /// Sums of four products below 8 are exact in 8 bits where the factors are small.
  static let halves = (
    NaiveArray([2, 3, 4]) { Double($0[2] - $0[1]) },
    NaiveArray([4, 5]) { Double($0[0] - $0[1]) / 2 }
  )

  static let cases: [OperatorCase] =
    shapes.flatMap { a, b in
      let (a, b) = (NaiveArray(integers: a), NaiveArray(integers: b, seed: 2))
      let y = product(a, b)
      return [
        OperatorCase("MatMul", [a.float, b.float], gives: [y.float]),
        OperatorCase("MatMul", [a.double, b.double], gives: [y.double]),
        OperatorCase(
          "MatMul", [a.integers(Int32.self), b.integers(Int32.self)],
          gives: [y.integers(Int32.self)]),
      ]
    } + [
      OperatorCase(
        "MatMul", [halves.0.float16, halves.1.float16],
        gives: [product(halves.0, halves.1).float16]),
      OperatorCase(
        "MatMul", [halves.0.bfloat16, halves.1.bfloat16],
        gives: [product(halves.0, halves.1).bfloat16]),
      // Integers wrap around.
      OperatorCase(
        "MatMul", [Tensor([UInt32.max, 2] as [UInt32]), Tensor([3, 1] as [UInt32])],
        gives: [Tensor([UInt32.max] as [UInt32], shape: [])]),
      OperatorCase(
        "MatMul", [Tensor.int64s([.max, 1]), Tensor.int64s([2, 1])],
        gives: [Tensor.int64s([-1], shape: [])]),
      OperatorCase(
        "MatMul", [NaiveArray(integers: [2, 3]).float, NaiveArray(integers: [4, 2]).float],
        fails: "inner dimensions differ, got [2, 3] and [4, 2]"),
      OperatorCase(
        "MatMul", [NaiveArray(integers: [2, 3, 4]).float, NaiveArray(integers: [3, 4, 5]).float],
        fails: "shapes do not broadcast, got [2] and [3]"),
      OperatorCase(
        "MatMul", [Tensor.scalar(Float(1)), NaiveArray(integers: [4, 2]).float],
        fails: "expected at least one axis, got [] and [4, 2]"),
      OperatorCase(
        "MatMul", [NaiveArray(integers: [2, 3]).float, NaiveArray(integers: [3, 2]).double],
        fails: "element types differ, got float and double"),
      OperatorCase(
        "MatMul", [Tensor([1, 2] as [Int8]), Tensor([1, 2] as [Int8])],
        fails: "MatMul of int8 is not supported"),
    ]

  @Test(arguments: cases) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }

  @Test func countsMultiplyAdds() throws {
    let a = NaiveArray(integers: [2, 3, 4]).float
    let b = NaiveArray(integers: [4, 5]).float
    let operation = try OperatorCase("MatMul", [a, b], gives: [nil]).instantiate(outputs: 1)
    #expect(
      operation.multiplyAdds([ArrayType(a), ArrayType(b)], [ArrayType(.float, [2, 3, 5])])
        == 2 * 3 * 5 * 4)
  }
}
