import Kernels
import Testing

@Suite struct ConversionTests {
  static let patterns = (0...UInt16.max).map { $0 }

  /// The value of a binary format with these widths, by its definition.
  private func value(_ bits: UInt16, exponentBits: Int, fractionBits: Int) -> Double {
    let fraction = Double(bits & (1 << fractionBits - 1)) / Double(1 << fractionBits)
    let exponent = Int(bits >> fractionBits) & (1 << exponentBits - 1)
    let sign = bits >> 15 == 0 ? 1.0 : -1.0
    let bias = 1 << (exponentBits - 1) - 1
    if exponent == 1 << exponentBits - 1 { return fraction == 0 ? sign * .infinity : .nan }
    let significand = exponent == 0 ? fraction : 1 + fraction
    return sign * Double(sign: .plus, exponent: max(exponent, 1) - bias, significand: significand)
  }

  private func agree(_ floats: [Float], _ bits: [UInt16], _ exact: (UInt16) -> Double) -> Bool {
    zip(floats, bits).allSatisfy { float, bits in
      let expected = exact(bits)
      return expected.isNaN
        ? float.isNaN
        : Double(float) == expected
          && (float.sign == .minus) == (bits >> 15 == 1)
    }
  }

  @Test func everyHalfIsWidenedExactlyAndComesBack() {
    var floats = [Float](repeating: 0, count: 65536)
    Conversion.halfToFloat(Self.patterns, into: &floats, count: 65536)
    #expect(agree(floats, Self.patterns) { value($0, exponentBits: 5, fractionBits: 10) })
    var bits = [UInt16](repeating: 0, count: 65536)
    Conversion.floatToHalf(floats, into: &bits, count: 65536)
    for (float, (bits, pattern)) in zip(floats, zip(bits, Self.patterns)) where !float.isNaN {
      #expect(bits == pattern)
    }
    #expect(zip(floats, bits).allSatisfy { !$0.isNaN || $1 & 0x7c00 == 0x7c00 && $1 & 0x3ff != 0 })
  }

  @Test func everyBFloat16IsWidenedExactlyAndComesBack() {
    var floats = [Float](repeating: 0, count: 65536)
    Conversion.bfloat16ToFloat(Self.patterns, into: &floats, count: 65536)
    #expect(agree(floats, Self.patterns) { value($0, exponentBits: 8, fractionBits: 7) })
    var bits = [UInt16](repeating: 0, count: 65536)
    Conversion.floatToBFloat16(floats, into: &bits, count: 65536)
    for (float, (bits, pattern)) in zip(floats, zip(bits, Self.patterns)) where !float.isNaN {
      #expect(bits == pattern)
    }
    #expect(zip(floats, bits).allSatisfy { !$0.isNaN || $1 & 0x7f80 == 0x7f80 && $1 & 0x7f != 0 })
  }

  /// Between each two neighbours: their midpoint goes to the even one, what lies beside it to the nearer.
  @Test func narrowingRoundsToNearestTiesToEven() {
    let lower = (UInt16(0)..<0x7bff).map { $0 }
    for (widen, narrow) in [
      (Conversion.halfToFloat, Conversion.floatToHalf),
      (Conversion.bfloat16ToFloat, Conversion.floatToBFloat16),
    ] {
      var (low, high) = ([Float](repeating: 0, count: lower.count), [Float]())
      high = low
      widen(lower, &low, lower.count)
      widen(lower.map { $0 + 1 }, &high, lower.count)
      let middle = zip(low, high).map { $0 / 2 + $1 / 2 }
      var bits = [UInt16](repeating: 0, count: lower.count)
      narrow(middle, &bits, lower.count)
      #expect(bits == lower.map { $0 + $0 % 2 })
      narrow(middle.map(\.nextDown), &bits, lower.count)
      #expect(bits == lower)
      narrow(middle.map(\.nextUp), &bits, lower.count)
      #expect(bits == lower.map { $0 + 1 })
    }
  }

  @Test func whatIsTooLargeBecomesInfinity() {
    var bits = [UInt16](repeating: 0, count: 3)
    Conversion.floatToHalf([65519.996, 65520, -.infinity], into: &bits, count: 3)
    #expect(bits == [0x7bff, 0x7c00, 0xfc00])
    Conversion.floatToBFloat16(
      [0x1.fep127, .greatestFiniteMagnitude, -.infinity], into: &bits, count: 3)
    #expect(bits == [0x7f7f, 0x7f80, 0xff80])
  }
}
