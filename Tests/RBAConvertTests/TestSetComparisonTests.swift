import GraphIR
import Tensors
import Testing

@testable import RBAConvert

@Suite struct TestSetComparisonTests {
  private static func tensor(_ type: ElementType, _ count: Int, _ bytes: [UInt8]) throws -> Tensor {
    try Tensor(type, shape: [count], region: ByteRegion(copying: bytes))
  }

  private func comparison(
    _ got: RuntimeValue, _ expected: RuntimeValue, relative: Double = 0, absolute: Double = 0
  ) throws -> TestSetComparison {
    var comparison = TestSetComparison(relativeTolerance: relative, absoluteTolerance: absolute)
    try comparison.compare(got, with: expected, "y")
    return comparison
  }

  /// Bytes of one element got and expected, and how far they are from one another.
  static let numbers: [(ElementType, [UInt8], [UInt8], Double)] = [
    (.float16, [0x00, 0x3C], [0x00, 0x40], 1),
    (.float16, [0x01, 0x00], [0x00, 0x00], 0x1p-24),
    (.float16, [0x00, 0xFC], [0x00, 0xFC], 0),
    (.bfloat16, [0x80, 0x3F], [0x00, 0x40], 1),
    (.float8e4m3fn, [0x38], [0x40], 1),
    (.float8e4m3fn, [0x7E], [0x00], 448),
    (.float8e4m3fn, [0x7F], [0xFF], 0),
    (.float8e4m3fnuz, [0x40], [0x48], 1),
    (.float8e4m3fnuz, [0x80], [0x80], 0),
    (.float8e5m2, [0x3C], [0xC0], 3),
    (.float8e5m2, [0x7C], [0x7C], 0),
    (.float8e5m2, [0x01], [0x00], 0x1p-16),
    (.float8e5m2fnuz, [0x40], [0x44], 1),
    (.float8e8m0, [0x7F], [0x80], 1),
    (.float8e8m0, [0x00], [0x01], 0x1p-127),
    (.float4e2m1, [0x07], [0x01], 5.5),
    (.float4e2m1, [0x09], [0x00], 0.5),
    (.float6e2m3, [0x1F], [0x00], 7.5),
    (.float6e3m2, [0x1F], [0x00], 28),
    (.uint8, [255], [0], 255),
    (.int8, [0x80], [0x7F], 255),
    (.double, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F], [0, 0, 0, 0, 0, 0, 0, 0], 1),
    (
      .int64, [1, 0, 0, 0, 0, 0, 0, 0x40], [0, 0, 0, 0, 0, 0, 0, 0x40], 1
    ),
    (
      .int64, [0, 0, 0, 0, 0, 0, 0, 0x80], [255, 255, 255, 255, 255, 255, 255, 0x7F],
      0x1p64
    ),
    (.uint64, [UInt8](repeating: 255, count: 8), [UInt8](repeating: 0, count: 8), 0x1p64),
    (.complex64, [0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40], [UInt8](repeating: 0, count: 8), 5),
  ]

  @Test(arguments: numbers)
  func numbersOfEveryTypeAreTold(
    type: ElementType, got: [UInt8], expected: [UInt8], error: Double
  ) throws {
    let values = try (Self.tensor(type, 1, got), Self.tensor(type, 1, expected))
    let exact = try comparison(.tensor(values.0), .tensor(values.1))
    #expect(exact.largestError == error)
    #expect(exact.isWithinTolerance == (error == 0))
    #expect(
      try comparison(.tensor(values.0), .tensor(values.1), absolute: error).isWithinTolerance)
  }

  @Test(
    arguments: [
      (.int4, 3, [0x21, 0x03], [0x21, 0xF3], true), (.int4, 3, [0x21, 0x03], [0x21, 0x04], false),
      (.uint2, 3, [0x1B], [0xDB], true), (.uint2, 3, [0x1B], [0x1A], false),
      (.bool, 2, [1, 0], [1, 0], true), (.bool, 2, [1, 0], [1, 1], false),
    ] as [(ElementType, Int, [UInt8], [UInt8], Bool)])
  func narrowIntegersAndTruthValuesMustBeEqual(
    type: ElementType, count: Int, got: [UInt8], expected: [UInt8], areEqual: Bool
  ) throws {
    let result = try comparison(
      .tensor(Self.tensor(type, count, got)), .tensor(Self.tensor(type, count, expected)),
      relative: 10, absolute: 10)
    #expect(result.isWithinTolerance == areEqual)
  }

  @Test func stringsMustBeEqual() throws {
    let strings = try ["a", "b"].map { try Tensor(strings: [Array($0.utf8)], shape: []) }
    #expect(try comparison(.tensor(strings[0]), .tensor(strings[0])).isWithinTolerance)
    #expect(try !comparison(.tensor(strings[0]), .tensor(strings[1])).isWithinTolerance)
  }

  @Test func aNumberForNoneIsOutOfTolerance() throws {
    let (one, nan) = (Tensor([1] as [Float]), Tensor([Float.nan]))
    #expect(try comparison(.tensor(nan), .tensor(nan)).isWithinTolerance)
    let result = try comparison(.tensor(one), .tensor(nan), relative: 10, absolute: 10)
    #expect(!result.isWithinTolerance && result.largestError == .infinity)
    let infinite = Tensor([Float.infinity])
    #expect(try !comparison(.tensor(one), .tensor(infinite), relative: 10).isWithinTolerance)
    #expect(try comparison(.tensor(infinite), .tensor(infinite)).isWithinTolerance)
  }

  @Test(
    arguments: [
      (
        .sequence([]), .sequence([.optional(nil)]), "y is a sequence of 0, expected a sequence of 1"
      ),
      (
        .sequence([.optional(nil)]), .sequence([.optional(.sequence([]))]),
        "y, element 0 is an empty optional, expected an optional"
      ),
      (
        .optional(.tensor(Tensor([1] as [Float]))), .optional(.tensor(Tensor([1] as [Double]))),
        "what y holds is float[1], expected double[1]"
      ),
    ] as [(RuntimeValue, RuntimeValue, String)])
  func otherKindsAreNamed(got: RuntimeValue, expected: RuntimeValue, message: String) {
    let failure = #expect(throws: Failure.self) { try comparison(got, expected) }
    #expect(failure?.message == message)
  }
}
