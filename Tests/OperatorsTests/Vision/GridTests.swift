import GraphIR
import Tensors
import Testing

/// AffineGrid, Col2Im and Det.
struct GridTests {
  static let identity = Tensor([1, 0, 0, 0, 1, 0] as [Float], shape: [1, 2, 3])

  static let cases = [
    OperatorCase(
      "AffineGrid", [identity, Tensor.int64s([1, 1, 1, 2])],
      gives: [Tensor([-0.5, 0, 0.5, 0] as [Float], shape: [1, 1, 2, 2])]),
    OperatorCase(
      "AffineGrid", [identity, Tensor.int64s([1, 1, 1, 2])], [Attribute("align_corners", 1)],
      gives: [Tensor([-1, -1, 1, -1] as [Float], shape: [1, 1, 2, 2])]),
    OperatorCase(
      "AffineGrid", [identity, Tensor.int64s([2, 1, 1, 2])],
      fails: "size [2, 1, 1, 2] does not fit [1, 2, 3]"),
    OperatorCase(
      "AffineGrid", [identity, Tensor.int64s([1, 1, .max, .max])],
      fails: "the product of shape [1, 9223372036854775807, 9223372036854775807, 2] overflows"),
    OperatorCase(
      "Col2Im",
      [
        Tensor([1, 2, 3, 4, 5, 6] as [Int8], shape: [1, 2, 3]), Tensor.int64s([4]),
        Tensor.int64s([2]),
      ], gives: [Tensor([1, 6, 8, 6] as [Int8], shape: [1, 1, 4])]),
    OperatorCase(
      "Col2Im",
      [
        Tensor([1, 2, 3, 4] as [Double], shape: [1, 2, 2]), Tensor.int64s([2]), Tensor.int64s([2]),
      ], [Attribute("pads", [1, 1]), Attribute("strides", [2])],
      gives: [Tensor([3, 2] as [Double], shape: [1, 1, 2])]),
    OperatorCase(
      "Col2Im",
      [
        Tensor([1, 2, 3, 4] as [Double], shape: [1, 2, 2]), Tensor.int64s([2]), Tensor.int64s([2]),
      ], fails: "expected 1 blocks of 2 elements per channel, got [1, 2, 2]"),
    OperatorCase(
      "Col2Im",
      [Tensor([] as [Float], shape: [1, 1, 0]), Tensor.int64s([.min]), Tensor.int64s([.max])],
      fails: "expected an image with elements, got [-9223372036854775808]"),
    OperatorCase(
      "Det", [Tensor([0, 2, 3, 4, 1, 2, 2, 4] as [Float], shape: [2, 2, 2])],
      gives: [Tensor([-6, 0] as [Float])]),
    OperatorCase(
      "Det", [Tensor([2, 0, 0, 0, 3, 1, 1, 0, 4] as [Double], shape: [3, 3])],
      gives: [.scalar(24.0)]),
    OperatorCase("Det", [Tensor([] as [Float], shape: [0, 0])], gives: [.scalar(Float(1))]),
    OperatorCase(
      "Det", [Tensor([1, 2] as [Float], shape: [1, 2])],
      fails: "expected square matrices, got [1, 2]"),
  ]

  @Test(arguments: cases) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
