import CKernels

/// A float function of two variables, applied to contiguous or broadcast elements.
///
/// Precision: add, subtract, multiply and divide round once; power is libm's, or the product or root for
/// the scalar exponents -1, 1/2, 1, 2 and 3. minimum and maximum give NaN where either operand is NaN.
/// Source: the ONNX operators Add, Sub, Mul, Div, Min, Max, Pow, PRelu.
package enum BinaryFunction: CaseIterable, Sendable {
  case add, subtract, multiply, divide, minimum, maximum, power, prelu

  /// z[i] = f(x[i], y[i]) for i below count; z may be x or y.
  package func apply(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, into z: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    switch self {
    case .add: kernel_add(x, y, z, count)
    case .subtract: kernel_subtract(x, y, z, count)
    case .multiply: kernel_multiply(x, y, z, count)
    case .divide: kernel_divide(x, y, z, count)
    case .minimum: kernel_minimum(x, y, z, count)
    case .maximum: kernel_maximum(x, y, z, count)
    case .power: kernel_power(x, y, z, count)
    case .prelu: kernel_prelu(x, y, z, count)
    }
  }

  /// z[i] = f(x[i], y) for i below count; z may be x.
  package func apply(
    _ x: UnsafePointer<Float>, scalar y: Float, into z: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch self {
    case .add: kernel_add_scalar(x, y, z, count)
    case .subtract: kernel_subtract_scalar(x, y, z, count)
    case .multiply: kernel_multiply_scalar(x, y, z, count)
    case .divide: kernel_divide_scalar(x, y, z, count)
    case .minimum: kernel_minimum_scalar(x, y, z, count)
    case .maximum: kernel_maximum_scalar(x, y, z, count)
    case .power: kernel_power_scalar(x, y, z, count)
    case .prelu: kernel_prelu_scalar(x, y, z, count)
    }
  }

  /// z[i] = f(x, y[i]) for i below count; z may be y.
  package func apply(
    scalar x: Float, _ y: UnsafePointer<Float>, into z: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch self {
    case .add: kernel_scalar_add(x, y, z, count)
    case .subtract: kernel_scalar_subtract(x, y, z, count)
    case .multiply: kernel_scalar_multiply(x, y, z, count)
    case .divide: kernel_scalar_divide(x, y, z, count)
    case .minimum: kernel_scalar_minimum(x, y, z, count)
    case .maximum: kernel_scalar_maximum(x, y, z, count)
    case .power: kernel_scalar_power(x, y, z, count)
    case .prelu: kernel_scalar_prelu(x, y, z, count)
    }
  }

  /// z[i] = f(x[i * xStride], y[i * yStride]) for i below count.
  func apply(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ y: UnsafePointer<Float>, _ yStride: Int,
    into z: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch (xStride, yStride) {
    case (1, 1): apply(x, y, into: z, count: count)
    case (1, 0): apply(x, scalar: y[0], into: z, count: count)
    case (0, 1): apply(scalar: x[0], y, into: z, count: count)
    default:
      for i in 0..<count { apply(x + i * xStride, scalar: y[i * yStride], into: z + i, count: 1) }
    }
  }

  /// z = f(x, y), broadcast: z is contiguous with the given shape, x and y are read through strides.
  ///
  /// Shapes: `shape`, `xStrides` and `yStrides` have one entry per dimension of z; a stride counts
  /// elements and is zero along a broadcast dimension. z must not overlap x or y unless that operand is
  /// contiguous and starts where z does.
  package func apply(
    _ x: UnsafePointer<Float>, strides xStrides: [Int], _ y: UnsafePointer<Float>,
    strides yStrides: [Int], into z: UnsafeMutablePointer<Float>, shape: [Int]
  ) {
    StridedLoop(shape: shape, strides: [xStrides, yStrides]).forEachRun { offsets, output, count in
      apply(
        x + offsets[0].start, offsets[0].step, y + offsets[1].start, offsets[1].step,
        into: z + output, count: count)
    }
  }
}
