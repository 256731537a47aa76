import CKernels

/// A float function of one variable, applied to contiguous elements.
///
/// Precision: a few units in the last place, stated per function in `CKernels/include/elementwise.h`.
/// Source: the ONNX operators of the same names.
package enum UnaryFunction: Hashable, Sendable {
  case identity
  case exp, log, erf, tanh, sigmoid, silu, softplus, softsign, mish
  /// x Φ(x), and its approximation by tanh.
  case gelu, geluTanh
  case relu, hardSwish
  case sqrt, reciprocal, reciprocalSqrt, square, abs, negate
  case floor, ceil, roundToEven
  case leakyRelu(alpha: Float)
  case elu(alpha: Float)
  case selu(alpha: Float, gamma: Float)
  case hardSigmoid(alpha: Float, beta: Float)
  case thresholdedRelu(alpha: Float)
  case clip(min: Float, max: Float)
  /// scale x + shift
  case affine(scale: Float, shift: Float)
  /// x sigmoid(alpha x)
  case quickGelu(alpha: Float)

  /// y[i] = f(x[i]) for i below count; x and y may be the same.
  package func apply(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
    switch self {
    case .identity: if x != UnsafePointer(y) { y.update(from: x, count: count) }
    case .exp: kernel_exp(x, y, count)
    case .log: kernel_log(x, y, count)
    case .erf: kernel_erf(x, y, count)
    case .tanh: kernel_tanh(x, y, count)
    case .sigmoid: kernel_sigmoid(x, y, count)
    case .silu: kernel_silu(x, y, count)
    case .softplus: kernel_softplus(x, y, count)
    case .softsign: kernel_softsign(x, y, count)
    case .mish: kernel_mish(x, y, count)
    case .gelu: kernel_gelu(x, y, count)
    case .geluTanh: kernel_gelu_tanh(x, y, count)
    case .relu: kernel_relu(x, y, count)
    case .hardSwish: kernel_hard_swish(x, y, count)
    case .sqrt: kernel_sqrt(x, y, count)
    case .reciprocal: kernel_reciprocal(x, y, count)
    case .reciprocalSqrt: kernel_reciprocal_sqrt(x, y, count)
    case .square: kernel_square(x, y, count)
    case .abs: kernel_abs(x, y, count)
    case .negate: kernel_negate(x, y, count)
    case .floor: kernel_floor(x, y, count)
    case .ceil: kernel_ceil(x, y, count)
    case .roundToEven: kernel_round_to_even(x, y, count)
    case .leakyRelu(let alpha): kernel_leaky_relu(x, y, count, alpha)
    case .elu(let alpha): kernel_elu(x, y, count, alpha)
    case .selu(let alpha, let gamma): kernel_selu(x, y, count, alpha, gamma)
    case .hardSigmoid(let alpha, let beta): kernel_hard_sigmoid(x, y, count, alpha, beta)
    case .thresholdedRelu(let alpha): kernel_thresholded_relu(x, y, count, alpha)
    case .clip(let min, let max): kernel_clip(x, y, count, min, max)
    case .affine(let scale, let shift): kernel_scale_and_shift(x, y, count, scale, shift)
    case .quickGelu(let alpha): kernel_quick_gelu(x, y, count, alpha)
    }
  }
}
