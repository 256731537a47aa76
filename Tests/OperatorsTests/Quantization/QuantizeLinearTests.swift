import GraphIR
import Operators
import Tensors
import Testing

/// What the ONNX project's cases leave out: limits, precisions, blocks along inner axes, packed elements,
/// and what is refused.
struct QuantizeLinearTests {
  @Test(arguments: cases)
  func agrees(_ testCase: OperatorCase) throws { try testCase.check() }

  static let cases: [OperatorCase] = [
    // Ties to even, limits, infinities and NaN.
    OperatorCase(
      "QuantizeLinear",
      [
        .float("0.5 1.5 2.5 -0.5 -1.5 1e30 -1e30 inf -inf nan"), .float("1", []), .int8("3", []),
      ], gives: [.int8("3 5 5 3 1 127 -128 127 -128 -128")]),
    OperatorCase(
      "QuantizeLinear", opset: 10, [.float("-1 0 300"), .float("1", [])],
      gives: [.uint8("0 0 255")]),
    // Along the last axis, and along an empty one.
    OperatorCase(
      "QuantizeLinear", [.float("1 2 3 4", [2, 2]), .float("1 2"), .uint8("0 10")],
      [Attribute("axis", -1)], gives: [.uint8("1 11 3 12", [2, 2])]),
    OperatorCase(
      "QuantizeLinear", [.float("", [0, 2]), .float("1 2"), .uint8("0 10")],
      gives: [.uint8("", [0, 2])]),
    // Blocks of two along the first of two axes, the last one shorter.
    OperatorCase(
      "QuantizeLinear", [.float("2 4 6 8 10 12", [3, 2]), .float("1 2 2 4", [2, 2])],
      [Attribute("axis", 0), Attribute("block_size", 2)],
      gives: [.uint8("2 2 6 4 5 3", [3, 2])]),
    // 2049 / 2 is 1024.5; a half-precision 2049 is 2048.
    OperatorCase(
      "QuantizeLinear", opset: 23,
      [.float("2049 7"), .float("2", []), Tensor([0 as UInt16], shape: [])],
      [Attribute("precision", 10)], gives: [Tensor([1024, 4] as [UInt16])]),
    OperatorCase(
      "QuantizeLinear", [.int32("7 -9"), .float("2", []), .int8("0", [])],
      gives: [.int8("4 -4")]),
    // Packed in twos, an odd number of them.
    OperatorCase(
      "QuantizeLinear", [.float("1 -1 20"), .float("1", [])], [Attribute("output_dtype", 22)],
      gives: [packed(.int4, [0xF1, 0x07], [3])]),
    OperatorCase(
      "DequantizeLinear",
      [packed(.int4, [0xF1, 0x87], [2, 2]), .float("1 2"), packed(.int4, [0x21], [2])],
      gives: [.float("0 -6 6 -20", [2, 2])]),
    OperatorCase(
      "DequantizeLinear", [.int32("2147483647 -2147483648"), .float("1", [])],
      gives: [.float("2147483648 -2147483648")]),
    OperatorCase(
      "DequantizeLinear", [.uint8("1 2 3 4 5", [1, 5]), .float("1 10 100", [1, 3])],
      [Attribute("block_size", 2)], gives: [.float("1 2 30 40 500", [1, 5])]),
    OperatorCase(
      "DynamicQuantizeLinear", [.float("0 0")],
      gives: [.uint8("0 0"), .float("1", []), .uint8("0", [])]),
    OperatorCase(
      "QuantizeLinear", [.float("1 2 3", [3]), .float("1 2"), .uint8("0 0")],
      [Attribute("axis", 0)],
      fails: "expected scales of shape [3] for [3], got [2]"),
    OperatorCase(
      "QuantizeLinear", [.float("1 2"), .float("1 2"), .uint8("0")], [Attribute("axis", 0)],
      fails: "scale and zero point differ in shape, got [2] and [1]"),
    OperatorCase(
      "QuantizeLinear", [.float("1"), .float("1"), .uint8("0")], [Attribute("output_dtype", 3)],
      fails: "expected a zero point of int8, got uint8"),
    OperatorCase(
      "QuantizeLinear", [.float("1 2"), .float("1 2")], [Attribute("block_size", -1)],
      fails: "attribute 'block_size' must not be negative, got -1"),
    OperatorCase(
      "DequantizeLinear", [.uint8("1"), .float("1"), .int8("0")],
      fails: "element types differ, got uint8 and int8"),
    OperatorCase(
      "DequantizeLinear", [.float("1"), .float("1")],
      fails: "DequantizeLinear of float is not supported"),
  ]
}

/// Tensors of elements that share bytes, or of eight-bit floats, by their bytes.
func packed(_ type: ElementType, _ bytes: [UInt8], _ shape: [Int]) -> Tensor {
  let storage = bytes.withUnsafeBytes { ByteRegion(copying: $0) }
  do { return try Tensor(type, shape: shape, region: storage) } catch { fatalError("\(error)") }
}
