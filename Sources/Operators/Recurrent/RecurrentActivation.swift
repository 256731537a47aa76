import Glibc
import GraphIR
import Kernels
import Tensors

/// A function that the gates of a recurrent layer apply.
///
/// Precision: `float` as the kernel of the function states, `double` as libm.
enum RecurrentActivation: Sendable, Hashable {
  case relu, tanh, sigmoid, softsign, softplus
  /// alpha x + beta
  case affine(alpha: Float, beta: Float)
  /// alpha x below zero, else x
  case leakyRelu(alpha: Float)
  /// x from alpha on, else 0
  case thresholdedRelu(alpha: Float)
  /// alpha tanh(beta x)
  case scaledTanh(alpha: Float, beta: Float)
  /// max(0, min(1, alpha x + beta))
  case hardSigmoid(alpha: Float, beta: Float)
  /// alpha (exp(x) - 1) below zero, else x
  case elu(alpha: Float)

  /// The functions that a node names, in order, or `defaults` for each direction.
  ///
  /// `activation_alpha` and `activation_beta` hold one number for each function that has such a
  /// parameter, in the same order; those that are left out have the parameter's default.
  static func list(
    _ node: Node, defaults: [RecurrentActivation], directions: Int
  ) throws(OperatorError) -> [RecurrentActivation] {
    let count = defaults.count * directions
    let names: [String]
    switch node[attribute: "activations"] {
    case nil: return (0..<directions).flatMap { _ in defaults }
    case .strings(let strings)?: names = strings.map { String(decoding: $0, as: UTF8.self) }
    default:
      throw OperatorError(.invalidAttribute, "attribute 'activations' is not a list of strings")
    }
    // RNN's default names two functions whatever the direction, so more than are used are allowed.
    guard names.count >= count else {
      throw OperatorError(
        .invalidAttribute, "activations: expected \(count), got \(names.count)")
    }
    var alphas = (try node.floats("activation_alpha") ?? [])[...]
    var betas = (try node.floats("activation_beta") ?? [])[...]
    var result: [RecurrentActivation] = []
    for name in names.prefix(count) {
      func alpha(_ fallback: Float) -> Float { alphas.popFirst() ?? fallback }
      func beta(_ fallback: Float) -> Float { betas.popFirst() ?? fallback }
      switch name.lowercased() {
      case "relu": result.append(.relu)
      case "tanh": result.append(.tanh)
      case "sigmoid": result.append(.sigmoid)
      case "softsign": result.append(.softsign)
      case "softplus": result.append(.softplus)
      case "affine": result.append(.affine(alpha: alpha(1), beta: beta(0)))
      case "leakyrelu": result.append(.leakyRelu(alpha: alpha(0.01)))
      case "thresholdedrelu": result.append(.thresholdedRelu(alpha: alpha(1)))
      case "scaledtanh": result.append(.scaledTanh(alpha: alpha(1), beta: beta(1)))
      case "hardsigmoid": result.append(.hardSigmoid(alpha: alpha(0.2), beta: beta(0.5)))
      case "elu": result.append(.elu(alpha: alpha(1)))
      default: throw OperatorError(.invalidAttribute, "activation '\(name)' is unknown")
      }
    }
    return result
  }

  /// The kernel for `float`, where one has this meaning.
  fileprivate var kernel: UnaryFunction? {
    switch self {
    case .relu: .relu
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    case .softsign: .softsign
    case .softplus: .softplus
    case .affine(let alpha, let beta): .affine(scale: alpha, shift: beta)
    case .leakyRelu(let alpha): .leakyRelu(alpha: alpha)
    case .hardSigmoid(let alpha, let beta): .hardSigmoid(alpha: alpha, beta: beta)
    case .elu(let alpha): .elu(alpha: alpha)
    case .thresholdedRelu, .scaledTanh: nil
    }
  }

  fileprivate func value(_ x: Double) -> Double {
    switch self {
    case .relu: x < 0 ? 0 : x
    case .tanh: Glibc.tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .softsign: x / (1 + x.magnitude)
    case .softplus: Swift.max(x, 0) + log1p(exp(-x.magnitude))
    case .affine(let alpha, let beta): Double(alpha) * x + Double(beta)
    case .leakyRelu(let alpha): x < 0 ? Double(alpha) * x : x
    case .thresholdedRelu(let alpha): x < Double(alpha) ? 0 : x
    case .scaledTanh(let alpha, let beta): Double(alpha) * Glibc.tanh(Double(beta) * x)
    case .hardSigmoid(let alpha, let beta):
      Swift.max(0, Swift.min(1, Double(alpha) * x + Double(beta)))
    case .elu(let alpha): x < 0 ? Double(alpha) * expm1(x) : x
    }
  }
}

/// An element type that recurrent layers compute in.
protocol RecurrentElement: MatrixElement, BinaryFloatingPoint {
  /// x[i] = f(x[i]) for i below count.
  static func apply(
    _ function: RecurrentActivation, to x: UnsafeMutablePointer<Self>, count: Int)
}

extension Float: RecurrentElement {
  static func apply(
    _ function: RecurrentActivation, to x: UnsafeMutablePointer<Float>, count: Int
  ) {
    if let kernel = function.kernel { return kernel.apply(x, into: x, count: count) }
    for i in 0..<count { x[i] = Float(function.value(Double(x[i]))) }
  }
}

extension Double: RecurrentElement {
  static func apply(
    _ function: RecurrentActivation, to x: UnsafeMutablePointer<Double>, count: Int
  ) {
    for i in 0..<count { x[i] = function.value(x[i]) }
  }
}
