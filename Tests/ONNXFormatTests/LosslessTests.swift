import GraphIR
import ONNXFormat
import Tensors
import Testing

/// Leaves every tensor where it is.
final class InPlace: TensorPlacement {
  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding { stored.encoding }
}

/// Messages written by hand that must come back byte for byte. Fields that are kept as they came
/// stand behind the others.
@Suite struct LosslessTests {
  private static let weight = Wire.part(8, "w")
  private static func floats(_ count: Int64, name: String = "w") -> [UInt8] {
    Wire.number(1, count) + Wire.number(2, 1) + Wire.part(8, name)
      + Wire.part(9, [UInt8](repeating: 7, count: Int(count) * 4))
  }
  private static func indices(_ dims: [Int64], _ values: [Int64]) -> [UInt8] {
    dims.flatMap { Wire.number(1, $0) } + Wire.number(2, 7)
      + Wire.part(7, values.flatMap { Wire.varint(UInt64($0)) })
  }
  private static let sparse =
    Wire.part(1, floats(2)) + Wire.part(2, indices([2], [1, 5])) + Wire.number(3, 2)
    + Wire.number(3, 3)
  private static let pairs =
    Wire.part(1, floats(2)) + Wire.part(2, indices([2, 2], [0, 1, 1, 0])) + Wire.number(3, 2)
    + Wire.number(3, 3) + Wire.part(900, "later")
  private static func entry(_ key: String, _ value: String) -> [UInt8] {
    Wire.part(1, key) + Wire.part(2, value)
  }
  /// A tensor type without a shape.
  private static func type(_ element: Int64) -> [UInt8] { Wire.part(1, Wire.number(1, element)) }
  private static func info(_ name: String, _ element: Int64) -> [UInt8] {
    Wire.part(1, name) + Wire.part(2, type(element))
  }
  private static func constant(_ attribute: [UInt8]...) -> [UInt8] {
    Wire.part(
      1,
      Wire.part(2, "y") + Wire.part(4, "Constant")
        + attribute.flatMap { Wire.part(5, Wire.part(1, "a") + $0) })
  }
  private static func typed(_ type: Int64, _ count: Int64, _ data: [UInt8]) -> [UInt8] {
    Wire.model(Wire.part(5, Wire.number(1, count) + Wire.number(2, type) + data))
  }
  private static func named(_ type: Int64, _ count: Int64, _ field: Int, _ data: [UInt8]) -> [UInt8]
  {
    let (before, after) = field < 8 ? (Wire.part(field, data), []) : ([], Wire.part(field, data))
    return typed(type, count, before + weight + after)
  }

  struct Message: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    init(_ name: String, _ bytes: [UInt8]) { (testDescription, self.bytes) = (name, bytes) }
  }

  static let messages = [
    Message("sparse initializer", Wire.model(Wire.node("A", ["w"], ["y"]), Wire.part(15, sparse))),
    Message("sparse initializer of index pairs", Wire.model(Wire.part(15, pairs))),
    Message(
      "sparse initializer that is an input",
      Wire.model(Wire.part(11, info("w", 1)), Wire.part(15, sparse))),
    Message(
      "sparse initializer without values",
      Wire.model(Wire.part(15, Wire.part(1, floats(0)) + Wire.number(3, 4)))),
    Message(
      "sparse initializer of a branch",
      Wire.model(
        constant(
          Wire.part(6, Wire.node("A", ["w"], ["z"]) + Wire.part(15, sparse)) + Wire.number(20, 5)))),
    Message("sparse attribute", Wire.model(constant(Wire.number(20, 11) + Wire.part(22, sparse)))),
    Message(
      "sparse attributes",
      Wire.model(constant(Wire.number(20, 12) + Wire.part(23, sparse) + Wire.part(23, pairs)))),
    Message("type attribute", Wire.model(constant(Wire.number(20, 13) + Wire.part(14, type(1))))),
    Message(
      "type attributes",
      Wire.model(constant(Wire.number(20, 14) + Wire.part(15, type(1)) + Wire.part(15, type(7))))),
    Message("no types", Wire.model(constant(Wire.number(20, 14)))),
    Message(
      "attribute of a later version",
      Wire.number(1, 15) + Wire.model(constant(Wire.number(20, 77) + Wire.part(90, "later")))),
    Message(
      "reference without a name",
      Wire.model(constant(Wire.number(3, 5) + Wire.number(20, 2) + Wire.part(21, "")))),
    Message(
      "training",
      Wire.model(Wire.node("A", [], ["y"]))
        + Wire.part(
          20, Wire.part(1, Wire.node("B", [], ["first"]) + Wire.part(2, "start")),
          Wire.part(2, Wire.node("C", ["y", "w"], ["new"]) + Wire.part(5, floats(2))),
          Wire.part(3, entry("w", "first")), Wire.part(4, entry("w", "new")), Wire.part(99, "x"))),
    Message(
      "quantization annotation",
      Wire.model(
        Wire.node("A", [], ["y"]), Wire.part(5, floats(1, name: "scale")),
        Wire.part(
          14, Wire.part(1, "y"), Wire.part(2, entry("SCALE_TENSOR", "scale")), Wire.part(77, "x")))),
    Message(
      "input that is an output, declared twice",
      Wire.model(Wire.part(11, info("x", 1)), Wire.part(12, info("x", 7)))),
    Message(
      "output twice, declared twice",
      Wire.model(
        Wire.node("A", [], ["y"]), Wire.part(12, info("y", 1)), Wire.part(12, info("y", 7)))),
    Message(
      "value_info that repeats and contradicts",
      Wire.model(
        Wire.node("A", [], ["y"]), Wire.part(12, info("y", 1)), Wire.part(13, info("y", 1)),
        Wire.part(13, info("y", 7)), Wire.part(13, info("v", 1)), Wire.part(13, info("v", 7)))),
    Message(
      "input without a name", Wire.model(Wire.part(11, Wire.part(2, type(1))))),
    Message(
      "types of a function's values",
      Wire.model()
        + Wire.part(
          25, Wire.part(1, "f"), Wire.part(4, "x"), Wire.part(5, "y"),
          Wire.part(7, Wire.part(1, "x") + Wire.part(2, "y") + Wire.part(4, "A")),
          Wire.part(12, info("x", 1)), Wire.part(12, info("y", 1)), Wire.part(12, info("y", 7)))),
    Message(
      "segment and location spelt out",
      Wire.model(
        Wire.part(
          5, Wire.number(1, 1), Wire.number(2, 1), weight, Wire.part(9, [1, 2, 3, 4]),
          Wire.number(14, 0), Wire.part(3, Wire.number(1, 0) + Wire.number(2, 1))))),
    Message("float_data", named(1, 2, 4, [0, 0, 128, 63, 0, 0, 0, 64])),
    Message("complex64", named(14, 1, 4, [0, 0, 128, 63, 0, 0, 0, 64])),
    Message("double_data", named(11, 1, 10, [0, 0, 0, 0, 0, 0, 240, 63])),
    Message("int64_data", named(7, 3, 7, [1] + Wire.varint(UInt64(bitPattern: -1)) + [127])),
    Message("uint64_data", named(13, 2, 11, Wire.varint(.max) + [0])),
    Message("uint32 in uint64_data", named(12, 1, 11, Wire.varint(0xffff_ffff))),
    Message("int32_data", named(6, 2, 5, Wire.varint(UInt64(bitPattern: -2)) + [3])),
    Message("int16", named(5, 2, 5, Wire.varint(UInt64(bitPattern: -32768)) + [3])),
    Message("int8", named(3, 2, 5, Wire.varint(UInt64(bitPattern: -128)) + [3])),
    Message("float16", named(10, 1, 5, Wire.varint(0xffff))),
    Message("bfloat16", named(16, 1, 5, Wire.varint(0x3f80))),
    Message("bool", named(9, 2, 5, [1, 0])),
    Message("float8", named(17, 1, 5, Wire.varint(0xff))),
    Message("int4, with what pads it", named(22, 3, 5, Wire.varint(0xfe) + Wire.varint(0xa7))),
    Message("float4", named(23, 2, 5, Wire.varint(0x9c))),
    Message("uint2, with what pads it", named(25, 5, 5, Wire.varint(0xe4) + Wire.varint(0xff))),
    Message("float6", named(27, 5, 5, [0, 63, 33, 1, 42])),
    Message("float6 raw", named(28, 5, 9, [1, 2, 3, 4])),
    Message("no elements", typed(1, 0, weight)),
    Message("strings", named(8, 1, 6, [0xff, 0])),
  ]

  @Test(arguments: messages) func comesBack(_ message: Message) throws {
    let model = try ONNXFile.decode(
      ByteRegion(copying: message.bytes), external: NoExternalTensors())
    #expect(try ONNXFile.encode(model, placement: InPlace()) == message.bytes)
    // Nor does the text form stumble over it.
    #expect(!model.text(full: true).isEmpty)
  }

  @Test(
    arguments: [
      ("one by one", [0x25, 1, 0, 0, 0, 0x25, 2, 0, 0, 0, 0x25, 3, 0, 0, 0]),
      ("in pieces", [0x22, 4, 1, 0, 0, 0, 0x25, 2, 0, 0, 0, 0x22, 0, 0x22, 4, 3, 0, 0, 0]),
    ] as [(String, [UInt8])])
  func fixedNumbersMayLie(_ name: String, _ data: [UInt8]) throws {
    let tensor = try ONNXFile.decodeTensor(
      ByteRegion(copying: Wire.number(1, 3) + Wire.number(2, 1) + data + Wire.part(8, "w")),
      external: NoExternalTensors()
    ).tensor
    #expect(tensor.elements(as: Float.self).map(\.bitPattern) == [1, 2, 3])
  }

  @Test(
    arguments: [
      ("one by one", [0x28, 1, 0x28, 0x80, 1, 0x28, 3]),
      ("in pieces", [0x2a, 1, 1, 0x28, 0x80, 1, 0x2a, 0, 0x2a, 1, 3]),
    ] as [(String, [UInt8])])
  func numbersOfAnyLengthMayLie(_ name: String, _ data: [UInt8]) throws {
    let tensor = try ONNXFile.decodeTensor(
      ByteRegion(copying: Wire.number(1, 3) + Wire.number(2, 6) + data + Wire.part(8, "w")),
      external: NoExternalTensors()
    ).tensor
    #expect(tensor.elements(as: Int32.self) == [1, 128, 3])
  }

  @Test func packedFloatsStayInPlace() throws {
    let region = ByteRegion(
      copying: Wire.number(1, 2) + Wire.number(2, 1) + Wire.part(4, [UInt8](0..<8)) + Self.weight)
    let tensor = try ONNXFile.decodeTensor(region, external: NoExternalTensors()).tensor
    #expect(tensor.region.storage === region.storage && tensor.region.offset == 6)
  }
}
