import Glibc
import GraphIR
import Kernels

/// The functions that lowered products apply to their results, by the names their nodes give them.
package enum FusedActivation: String, Sendable {
  case none
  case relu
  case gelu
  case geluTanh = "gelu-tanh"
  case silu

  init(_ node: Node) throws(OperatorError) {
    let name = try node.text("activation", default: "none")
    guard let activation = FusedActivation(rawValue: name) else {
      throw OperatorError(.invalidAttribute, "attribute 'activation' is unknown, got '\(name)'")
    }
    self = activation
  }

  var function: UnaryFunction {
    switch self {
    case .none: .identity
    case .relu: .relu
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .silu: .silu
    }
  }
  /// In double precision.
  func apply(_ x: Double) -> Double {
    switch self {
    case .none: x
    case .relu: x.isNaN ? x : max(x, 0)
    case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x / (1 + exp(-x))
    }
  }
}
