import CKernels

/// Conversions between float and the 16-bit formats, given as their bit patterns.
///
/// Precision: widening is exact; narrowing rounds to nearest, ties to even, and overflows to infinity.
package enum Conversion {
  package static func halfToFloat(
    _ x: UnsafePointer<UInt16>, into y: UnsafeMutablePointer<Float>, count: Int
  ) {
    kernel_half_to_float(x, y, count)
  }

  package static func floatToHalf(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    kernel_float_to_half(x, y, count)
  }

  package static func bfloat16ToFloat(
    _ x: UnsafePointer<UInt16>, into y: UnsafeMutablePointer<Float>, count: Int
  ) {
    kernel_bfloat16_to_float(x, y, count)
  }

  package static func floatToBFloat16(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    kernel_float_to_bfloat16(x, y, count)
  }
}
