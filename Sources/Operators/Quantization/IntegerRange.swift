import Kernels
import Tensors

/// The integers of a quantised type of at most 16 bits.
struct IntegerRange {
  let low: Int32
  let high: Int32

  init(low: Int32, high: Int32) {
    self.low = low
    self.high = high
  }

  /// - Returns: `nil` for every other type.
  init?(_ type: ElementType) {
    switch type {
    case .int2: (low, high) = (-2, 1)
    case .uint2: (low, high) = (0, 3)
    case .int4: (low, high) = (-8, 7)
    case .uint4: (low, high) = (0, 15)
    case .int8: (low, high) = (-128, 127)
    case .uint8: (low, high) = (0, 255)
    case .int16: (low, high) = (-32768, 32767)
    case .uint16: (low, high) = (0, 65535)
    default: return nil
    }
  }

  /// The integer nearest to x, ties to even, plus the zero point, or the nearest limit; the lower one
  /// for NaN.
  ///
  /// `zero` is in the range. Bounded first: the limits are integers, so that changes nothing, and below
  /// 2^22 adding 1.5 · 2^23 leaves the integer, rounded as said, in the low bits.
  @inline(__always)
  func nearest(_ x: Float, zero: Int32) -> Int32 {
    let (low, high) = (Float(low &- zero), Float(high &- zero))
    let bounded = x >= low ? (x <= high ? x : high) : low
    let shifted = bounded + 12_582_912
    return Int32(bitPattern: shifted.bitPattern) &- 0x4B40_0000 &+ zero
  }
}

extension TensorView {
  /// The elements of a contiguous view, of any number type, as floats.
  func floats() throws(OperatorError) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    try convertAll(into: &values)
    return values
  }

  /// The elements of a contiguous view of integers.
  func integers32() throws(OperatorError) -> [Int32] {
    var values = [Int32](repeating: 0, count: count)
    try convertAll(into: &values)
    return values
  }

  private func convertAll<Element: TensorElement>(
    into values: inout [Element]
  ) throws(OperatorError) {
    // `withUnsafeMutableBytes` rethrows untyped.
    let failure = values.withUnsafeMutableBytes { bytes -> OperatorError? in
      guard let start = bytes.baseAddress, count > 0 else { return nil }
      do throws(OperatorError) {
        try convert(self, into: MutableTensorView(Element.elementType, shape, in: start))
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }
}

/// - Throws: `OperatorError` unless the zero point, if any, has the scale's shape, or both are one number.
func expectZeroPoint(_ zero: ArrayType?, like scale: ArrayType) throws(OperatorError) {
  guard let zero, zero.shape != scale.shape else { return }
  guard [[], [1]].contains(zero.shape), [[], [1]].contains(scale.shape) else {
    throw OperatorError(
      .shapeMismatch, "scale and zero point differ in shape, got \(scale.shape) and \(zero.shape)")
  }
}
