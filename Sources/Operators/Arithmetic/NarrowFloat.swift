import GraphIR
import Tensors

/// A float of four or eight bits, or the eight bits of an exponent alone: how its codes are read, and
/// which code a number becomes.
///
/// A code is a sign, an exponent with a bias, and a fraction; the smallest exponent is that of
/// subnormal numbers. `float8e8m0` has neither sign nor fraction nor zero.
/// Precision: reading is exact. Writing rounds to nearest, ties to even, but for `float8e8m0`, whose
/// direction `Narrowing` tells.
/// Source: ONNX "Float stored in 8 bits", "Float stored in 4 bits"; OCP Microscaling Formats 1.0.
struct NarrowFloat: Sendable {
  private let fractionBits: Int
  private let bias: Int
  /// The bit of the sign; 0 where there is none.
  private let signBit: UInt8
  /// The code of the largest number.
  private let largest: UInt8
  /// What is too large becomes without saturation.
  private let overflow: UInt8
  private let nan: UInt8
  /// Whether zero has a sign, and with it NaN and what is too large.
  private let hasNegativeZero: Bool

  /// - Returns: `nil` for every other type.
  init?(_ type: ElementType) {
    switch type {
    case .float8e4m3fn: self.init(3, 7, 0x80, largest: 0x7E, overflow: 0x7F, nan: 0x7F, true)
    case .float8e4m3fnuz: self.init(3, 8, 0x80, largest: 0x7F, overflow: 0x80, nan: 0x80, false)
    case .float8e5m2: self.init(2, 15, 0x80, largest: 0x7B, overflow: 0x7C, nan: 0x7E, true)
    case .float8e5m2fnuz: self.init(2, 16, 0x80, largest: 0x7F, overflow: 0x80, nan: 0x80, false)
    case .float4e2m1: self.init(1, 1, 0x08, largest: 0x07, overflow: 0x07, nan: 0x08, true)
    case .float8e8m0: self.init(0, 127, 0, largest: 0xFE, overflow: 0xFF, nan: 0xFF, false)
    default: return nil
    }
  }

  private init(
    _ fractionBits: Int, _ bias: Int, _ signBit: UInt8, largest: UInt8, overflow: UInt8,
    nan: UInt8, _ hasNegativeZero: Bool
  ) {
    self.fractionBits = fractionBits
    self.bias = bias
    self.signBit = signBit
    self.largest = largest
    self.overflow = overflow
    self.nan = nan
    self.hasNegativeZero = hasNegativeZero
  }

  private var isExponentAlone: Bool { signBit == 0 }

  /// The numbers of all codes; those of a four-bit float repeat. NaN has the sign bit of its code.
  var numbers: [Float] { (0...255).map { number(UInt8($0)) } }

  private func number(_ code: UInt8) -> Float {
    if isExponentAlone {
      return code == nan ? .nan : Float(sign: .plus, exponent: Int(code) - bias, significand: 1)
    }
    let body = code & (signBit - 1)
    let isNegative = code & signBit != 0
    if !hasNegativeZero, code == nan { return -.nan }
    if body > largest {
      let special: Float = body != overflow || nan == overflow ? .nan : .infinity
      return isNegative ? -special : special
    }
    let exponent = Int(body >> UInt8(fractionBits))
    let fraction = Float(body & (1 << UInt8(fractionBits) - 1))
    let unit = Float(
      sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: 1)
    let magnitude = (exponent == 0 ? fraction : fraction + Float(1 << fractionBits)) * unit
    return isNegative ? -magnitude : magnitude
  }

  /// The code of the number nearest to `x`.
  ///
  /// A float of four bits has no NaN and gets negative zero.
  func code(_ x: Double, _ narrowing: Narrowing) -> UInt8 {
    if isExponentAlone { return exponentCode(x, narrowing) }
    let sign = x.sign == .minus ? signBit : 0
    if x.isNaN { return hasNegativeZero && signBit == 0x80 ? nan | sign : nan }
    let smallest = 1 - bias
    let magnitude = x.magnitude
    var code = Int(largest) + 1
    if magnitude == 0 {
      code = 0
    } else if magnitude.isFinite, magnitude.exponent <= 128 {
      let exponent = max(Int(magnitude.exponent), smallest)
      let unit = Double(sign: .plus, exponent: exponent - fractionBits, significand: 1)
      // A fraction that rounds up to the next power of two carries into the exponent.
      code =
        (exponent - smallest) << fractionBits + Int((magnitude / unit).rounded(.toNearestOrEven))
    }
    if code > Int(largest) {
      guard !narrowing.saturates else { return largest | sign }
      return hasNegativeZero ? overflow | sign : overflow
    }
    return code == 0 && !hasNegativeZero ? 0 : UInt8(code) | sign
  }

  private func exponentCode(_ x: Double, _ narrowing: Narrowing) -> UInt8 {
    guard x >= 0 else { return nan }
    guard x > 0, x.isFinite else { return narrowing.saturates ? (x > 0 ? largest : 0) : nan }
    var exponent = Int(x.exponent)
    switch narrowing.rounding {
    case .down: break
    case .up: if x.significand > 1 { exponent += 1 }
    case .nearest: if x.significand >= 1.5 { exponent += 1 }
    }
    let code = exponent + bias
    if (0...Int(largest)).contains(code) { return UInt8(code) }
    return narrowing.saturates ? (code < 0 ? 0 : largest) : nan
  }
}

/// What becomes of numbers that a narrow float has not.
struct Narrowing: Sendable {
  /// In which direction the exponents of `float8e8m0` are rounded.
  enum Rounding: String, Sendable { case up, down, nearest }

  /// Whether what is too large becomes the largest number, instead of infinity or NaN.
  var saturates = true
  var rounding = Rounding.up

  init() {}

  /// Attributes: `saturate` (1), `round_mode` ("up").
  init(_ node: Node) throws(OperatorError) {
    saturates = try node.flag("saturate", default: true)
    let name = try node.text("round_mode", default: "up")
    guard let rounding = Rounding(rawValue: name) else {
      throw OperatorError(.invalidAttribute, "round_mode '\(name)' is unknown")
    }
    self.rounding = rounding
  }
}
