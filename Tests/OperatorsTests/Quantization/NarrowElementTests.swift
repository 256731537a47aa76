import GraphIR
import Operators
import Tensors
import Testing

/// Conversions to and from narrow types, and the movement of packed elements.
struct NarrowElementTests {
  @Test(arguments: conversions)
  func converts(_ testCase: OperatorCase) throws { try testCase.check() }

  /// Codes as ml_dtypes gives them, but for saturation.
  static let conversions: [OperatorCase] = [
    cast(
      .float("nan inf -inf -0.0 448 465 -1e9"), .float8e4m3fn,
      [0x7F, 0x7E, 0xFE, 0x80, 0x7E, 0x7E, 0xFE]),
    cast(.float("inf 463 465 -1e9"), .float8e4m3fn, [0x7F, 0x7E, 0x7F, 0xFF], ("saturate", 0)),
    cast(.float("nan inf -0.0 240 -1e9"), .float8e4m3fnuz, [0x80, 0x7F, 0, 0x7F, 0xFF]),
    cast(.float("inf 57344 61440 -inf"), .float8e5m2, [0x7C, 0x7B, 0x7C, 0xFC], ("saturate", 0)),
    cast(.float("1e-45 0.0078125 0.001 -0.00001"), .float8e4m3fnuz, [0, 0x08, 0x01, 0]),
    cast(.float("5 2.5 3.5 -7 0.25 0.75 nan"), .float4e2m1, [0x46, 0xF6, 0x20, 0x08]),
    cast(.float("0 3 1.5 inf nan -1 1e-45"), .float8e8m0, [0, 0x81, 0x80, 0xFE, 0xFF, 0xFF, 0]),
    cast(.float("3 1.49 1.5"), .float8e8m0, [0x80, 0x7F, 0x7F], ("round_mode", "down")),
    cast(.float("3 1.49 1.5"), .float8e8m0, [0x81, 0x7F, 0x80], ("round_mode", "nearest")),
    cast(.float("0 inf"), .float8e8m0, [0xFF, 0xFF], ("saturate", 0)),
    cast(.int32("-1 8 7 17"), .int4, [0x8F, 0x17]),
    cast(.float("-9 15.9 nan -0.9 3"), .uint4, [0xF7, 0x00, 0x03]),
    cast(.int8("1 -2 3 2 1"), .int2, [0b10_11_10_01, 0b01]),
    OperatorCase(
      "Cast", opset: 25, [packed(.int2, [0b10_11_10_01, 0b01], [5])], [Attribute("to", 6)],
      gives: [.int32("1 -2 -1 -2 1")]),
    OperatorCase(
      "Cast", opset: 25, [packed(.float8e5m2, [0x7C, 0xFC, 0x01, 0x3C], [4])],
      [Attribute("to", 1)], gives: [.float("inf -inf 1.52587890625e-05 1")]),
    OperatorCase(
      "Cast", opset: 25, [packed(.float8e8m0, [0, 127, 254], [3])], [Attribute("to", 1)],
      gives: [.float("5.877472e-39 1 1.7014118e+38")]),
    OperatorCase(
      "CastLike", opset: 25, [.float("1 0 nan"), packed(.uint4, [0], [1])],
      gives: [packed(.uint4, [0x01, 0x00], [3])]),
    OperatorCase(
      "BitCast", opset: 26, [packed(.uint4, [0xF1, 0x07], [3])], [Attribute("to", 22)],
      gives: [packed(.int4, [0xF1, 0x07], [3])]),
    OperatorCase(
      "BitCast", opset: 26, [.float("1")], [Attribute("to", 7)],
      fails: "expected elements of the same width, got float and int64"),
    OperatorCase(
      "Cast", opset: 25, [.float("1")], [Attribute("to", 24), Attribute("round_mode", "odd")],
      fails: "round_mode 'odd' is unknown"),
    OperatorCase(
      "Cast", opset: 25, [.float("1")], [Attribute("to", 8)],
      fails: "Cast of string is not supported"),
  ]

  private static func cast(
    _ x: Tensor, _ type: ElementType, _ bytes: [UInt8], _ setting: (String, Int)? = nil
  ) -> OperatorCase {
    OperatorCase(
      "Cast", opset: 25, [x],
      [Attribute("to", Int(type.rawValue))] + (setting.map { [Attribute($0.0, $0.1)] } ?? []),
      gives: [packed(type, bytes, x.shape)])
  }

  private static func cast(
    _ x: Tensor, _ type: ElementType, _ bytes: [UInt8], _ setting: (String, String)
  ) -> OperatorCase {
    OperatorCase(
      "Cast", opset: 25, [x],
      [Attribute("to", Int(type.rawValue)), Attribute(setting.0, setting.1)],
      gives: [packed(type, bytes, x.shape)])
  }

  /// Every number of a narrow float becomes its own code.
  @Test(arguments: [
    ElementType.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0,
  ])
  func numbersReturnToTheirCodes(_ type: ElementType) throws {
    let codes = packed(type, (0...255).map { UInt8($0) }, [256])
    let back = try convert(try convert(codes, to: .float), to: type, saturates: false)
    for (code, got) in back.region.bytes.enumerated() where Int(got) != code {
      // NaN has several codes in some formats, and one of them is written.
      let number = try convert(packed(type, [got], [1]), to: .float).elements(as: Float.self)[0]
      #expect(number.isNaN, "code \(code) becomes \(got)")
    }
  }

  private func convert(
    _ x: Tensor, to type: ElementType, saturates: Bool = true
  ) throws -> Tensor {
    let node = Node(
      "Cast", inputs: [ValueID(0)], outputs: [ValueID(1)],
      attributes: [
        Attribute("to", Int(type.rawValue)), Attribute("saturate", saturates ? 1 : 0),
      ])
    return try OperatorRegistry.standard.instantiate(node, opset: 25).evaluate(tensors: [x])[0]
  }

  @Test(arguments: movements)
  func moves(_ testCase: OperatorCase) throws { try testCase.check() }

  /// The elements 1, 2, 3, 4, 5, 6 as int4 [2, 3].
  static let six = packed(.int4, [0x21, 0x43, 0x65], [2, 3])

  static let movements: [OperatorCase] = [
    OperatorCase("Identity", [six], gives: [six]),
    OperatorCase("Transpose", [six], gives: [packed(.int4, [0x41, 0x52, 0x63], [3, 2])]),
    OperatorCase("Reshape", [six, .int64s([6])], gives: [packed(.int4, [0x21, 0x43, 0x65], [6])]),
    OperatorCase(
      "Unsqueeze", [six, .int64s([0])], gives: [packed(.int4, [0x21, 0x43, 0x65], [1, 2, 3])]),
    OperatorCase(
      "Concat", [packed(.int4, [0x21, 0x03], [3]), packed(.int4, [0x54, 0x06], [3])],
      [Attribute("axis", 0)], gives: [packed(.int4, [0x21, 0x43, 0x65], [6])]),
    OperatorCase(
      "Gather", [six, .int64s([1, 0, 1])],
      gives: [packed(.int4, [0x54, 0x16, 0x32, 0x54, 0x06], [3, 3])]),
    OperatorCase(
      "Slice", [six, .int64s([1]), .int64s([3]), .int64s([1])],
      gives: [packed(.int4, [0x32, 0x65], [2, 2])]),
    OperatorCase(
      "Split", [six, .int64s([1, 2])], [Attribute("axis", 1)],
      gives: [packed(.int4, [0x41], [2, 1]), packed(.int4, [0x32, 0x65], [2, 2])]),
    OperatorCase("Shape", [six], gives: [.int64s([2, 3])]),
  ]
}
