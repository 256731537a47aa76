import GraphIR
import Operators
import Tensors
import Testing

struct IntegerAndLossTests {
  static let cases = [
    OperatorCase(
      "BitShift", opset: 28, [Tensor([-8, 127, 1] as [Int8]), Tensor([1, 8, -1] as [Int8])],
      [Attribute("direction", "RIGHT")], gives: [Tensor([-4, 0, 0] as [Int8])]),
    OperatorCase(
      "BitShift", [Tensor([1, 3] as [UInt16], shape: [2, 1]), Tensor([1, 15, 16] as [UInt16])],
      [Attribute("direction", "LEFT")],
      gives: [Tensor([2, 32768, 0, 6, 32768, 0] as [UInt16], shape: [2, 3])]),
    OperatorCase(
      "BitwiseXor", [Tensor([5, -1] as [Int64]), Tensor([3 as Int64])],
      gives: [Tensor([6, -4] as [Int64])]),
    OperatorCase(
      "BitwiseNot", [Tensor([0, 255] as [UInt8])], gives: [Tensor([255, 0] as [UInt8])]),
    OperatorCase(
      "CumProd", opset: 26,
      [Tensor([1, 2, 3, 4] as [Int32], shape: [2, 2]), .scalar(0 as Int64)],
      [Attribute("reverse", 1), Attribute("exclusive", 1)],
      gives: [Tensor([3, 4, 1, 1] as [Int32], shape: [2, 2])]),
    OperatorCase(
      "Shrink", [Tensor([-3, 0, 3] as [Int32])],
      [Attribute("lambd", 1 as Float), Attribute("bias", 1.5 as Float)],
      gives: [Tensor([-1, 0, 1] as [Int32])]),
    OperatorCase(
      "Mean", opset: 7, [Tensor([1, 3] as [Float]), Tensor([3, 5] as [Float])],
      gives: [Tensor([2, 4] as [Float])]),
    OperatorCase(
      "Mod", opset: 28, [Tensor([-3, 3, 1] as [Float]), Tensor([.infinity, 2, 0] as [Float])],
      gives: [Tensor([.infinity, 1, .nan] as [Float])]),
    OperatorCase(
      "NegativeLogLikelihoodLoss",
      [
        Tensor([-1, -2, -3, -4, -5, -6] as [Double], shape: [3, 2]),
        Tensor([0, 1, 9] as [Int32]), Tensor([1, 3] as [Double]),
      ], [Attribute("ignore_index", 9)], gives: [.scalar(13.0 / 4)]),
    OperatorCase(
      "SoftmaxCrossEntropyLoss",
      [Tensor([0, 0, 1000, 0] as [Double], shape: [2, 2]), Tensor([1, 1] as [Int64])],
      [Attribute("reduction", "none")],
      gives: [
        Tensor([0.693_147_180_559_945_3, 1000]),
        Tensor([-0.693_147_180_559_945_3, -0.693_147_180_559_945_3, 0, -1000], shape: [2, 2]),
      ], tolerance: Tolerance(relative: 1e-15)),
    // Extents beside an empty axis may be as large as they like.
    OperatorCase(
      "ReduceSum", [Tensor([Float](), shape: [0, 1 << 62]), .int64s([1])],
      gives: [Tensor([Float](), shape: [0, 1])]),
  ]

  @Test(arguments: cases)
  func agrees(_ example: OperatorCase) throws { try example.check() }

  static let failures = [
    OperatorCase(
      "BitShift", [Tensor([1 as Int8]), Tensor([1 as Int8])], [Attribute("direction", "UP")],
      fails: "direction: expected 'LEFT' or 'RIGHT', got 'UP'"),
    OperatorCase(
      "BitwiseAnd", [Tensor([1 as Float]), Tensor([1 as Float])],
      fails: "BitwiseAnd of float is not supported"),
    OperatorCase(
      "NegativeLogLikelihoodLoss", [Tensor([1 as Float], shape: [1, 1]), Tensor([-1 as Int64])],
      fails: "target -1 is out of range for 1 classes"),
    OperatorCase(
      "SoftmaxCrossEntropyLoss",
      [Tensor([1 as Float], shape: [1, 1]), Tensor([0, 0] as [Int64])],
      fails: "target of [2] does not fit input of [1, 1]"),
    OperatorCase(
      "ReduceSum", [Tensor([Float](), shape: [0, 1 << 62]), .int64s([0])],
      fails: "the size of shape [1, 4611686018427387904] overflows"),
  ]

  @Test(arguments: failures)
  func refuses(_ failure: OperatorCase) throws { try failure.check() }
}
