import Tensors

/// The numbers behind eight-bit codes, (code - zero point) · scale, as the quantised operators of
/// onnxruntime take them.
///
/// Codes are bytes, whether they mean int8 or uint8.
/// Precision: float; a number becomes the code nearest to number / scale, ties to even.
struct EightBitScale {
  private let scale: Float
  private let zero: Int32
  private let isSigned: Bool
  private let range: IntegerRange

  /// - Parameter type: the codes' type, which `expect` has found to be of eight bits.
  init(_ type: ElementType, scale: TensorView, zero: TensorView?) throws(OperatorError) {
    self.scale = try scale.floats().first ?? 1
    self.zero = try zero?.integers32().first ?? 0
    isSigned = type == .int8
    range = isSigned ? IntegerRange(low: -128, high: 127) : IntegerRange(low: 0, high: 255)
  }

  /// The numbers of all codes.
  var numbers: [Float] {
    (0...255).map { code in
      let integer = isSigned ? Int32(Int8(truncatingIfNeeded: code)) : Int32(code)
      return Float(integer - zero) * scale
    }
  }

  @inline(__always)
  func code(_ number: Float) -> UInt8 {
    UInt8(truncatingIfNeeded: range.nearest(number / scale, zero: zero))
  }

  func codes(_ numbers: UnsafePointer<Float>, into codes: UnsafeMutablePointer<UInt8>, count: Int) {
    for i in 0..<count { codes[i] = code(numbers[i]) }
  }

  /// - Throws: `OperatorError` unless codes have eight bits, the scale is a float, and the zero point, if
  ///   any, a code.
  static func expect(
    _ name: String, _ codes: ElementType, scale: ArrayType, zero: ArrayType?
  ) throws(OperatorError) {
    try expectEightBits(name, ArrayType(codes, []))
    try Operators.expect(name, supports: scale.elementType, scale.elementType == .float)
    try expectOne(scale, "scale")
    guard let zero else { return }
    try expectSameType(ArrayType(codes, []), zero)
    try expectOne(zero, "zero point")
  }
}
