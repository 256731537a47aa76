import Glibc
package import GraphIR
package import Kernels

/// tanh(x).
package struct Tanh: PlainUnaryDefinition {
  package init() {}
  package static let name = "Tanh"
  package var kernel: UnaryFunction? { .tanh }
  package func apply(_ x: Double) -> Double { tanh(x) }
}

/// 1 / (1 + exp(-x)).
package struct Sigmoid: PlainUnaryDefinition {
  package init() {}
  package static let name = "Sigmoid"
  package var kernel: UnaryFunction? { .sigmoid }
  package func apply(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}

/// max(x, 0).
package struct Relu: PlainUnaryDefinition {
  package init() {}
  package static let name = "Relu"
  package static let integers = IntegerSupport.signed
  package var kernel: UnaryFunction? { .relu }
  package func apply(_ x: Double) -> Double { x.isNaN ? x : max(x, 0) }
  package func apply<Integer: FixedWidthInteger>(integer x: Integer) -> Integer {
    max(x, 0)
  }
}

/// ln(1 + exp(x)).
package struct Softplus: PlainUnaryDefinition {
  package init() {}
  package static let name = "Softplus"
  package static let since = 1
  package var kernel: UnaryFunction? { .softplus }
  package func apply(_ x: Double) -> Double { max(x, 0) + log1p(exp(-x.magnitude)) }
}

/// x / (1 + |x|).
package struct Softsign: PlainUnaryDefinition {
  package init() {}
  package static let name = "Softsign"
  package static let since = 1
  package var kernel: UnaryFunction? { .softsign }
  package func apply(_ x: Double) -> Double { x / (1 + x.magnitude) }
}

/// x max(0, min(1, x / 6 + 1/2)).
package struct HardSwish: PlainUnaryDefinition {
  package init() {}
  package static let name = "HardSwish"
  package static let since = 14
  package var kernel: UnaryFunction? { .hardSwish }
  package func apply(_ x: Double) -> Double { x * min(max(x / 6 + 0.5, 0), 1) }
}

/// x tanh(softplus(x)).
package struct Mish: PlainUnaryDefinition {
  package init() {}
  package static let name = "Mish"
  package static let since = 18
  package var kernel: UnaryFunction? { .mish }
  package func apply(_ x: Double) -> Double { x * tanh(max(x, 0) + log1p(exp(-x.magnitude))) }
}

/// x where x >= 0, else alpha x.
package struct LeakyRelu: UnaryDefinition {
  let alpha: Float
  package static let name = "LeakyRelu"
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 0.01)
  }
  package var kernel: UnaryFunction? { .leakyRelu(alpha: alpha) }
  package func apply(_ x: Double) -> Double { x < 0 ? Double(alpha) * x : x }
}

/// x where x > 0, else alpha (exp(x) - 1).
package struct Elu: UnaryDefinition {
  let alpha: Float
  package static let name = "Elu"
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
  }
  package var kernel: UnaryFunction? { .elu(alpha: alpha) }
  package func apply(_ x: Double) -> Double { x > 0 ? x : Double(alpha) * expm1(x) }
}

/// gamma x where x > 0, else gamma alpha (exp(x) - 1).
package struct Selu: UnaryDefinition {
  let alpha, gamma: Float
  package static let name = "Selu"
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1.673_263_192_176_818_8)
    gamma = try node.number("gamma", default: 1.050_701_022_148_132_3)
  }
  package var kernel: UnaryFunction? { .selu(alpha: alpha, gamma: gamma) }
  package func apply(_ x: Double) -> Double {
    Double(gamma) * (x > 0 ? x : Double(alpha) * expm1(x))
  }
}

/// max(0, x) + min(0, alpha (exp(x / alpha) - 1)).
package struct Celu: UnaryDefinition {
  let alpha: Float
  package static let name = "Celu"
  package static let since = 12
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
  }
  package func apply(_ x: Double) -> Double {
    x.isNaN ? x : max(0, x) + min(0, Double(alpha) * expm1(x / Double(alpha)))
  }
}

/// x where x > alpha, else 0.
package struct ThresholdedRelu: UnaryDefinition {
  let alpha: Float
  package static let name = "ThresholdedRelu"
  package static let since = 10
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
  }
  package var kernel: UnaryFunction? { .thresholdedRelu(alpha: alpha) }
  package func apply(_ x: Double) -> Double { x > Double(alpha) ? x : 0 }
}

/// max(0, min(1, alpha x + beta)).
package struct HardSigmoid: UnaryDefinition {
  let alpha, beta: Float
  package static let name = "HardSigmoid"
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 0.2)
    beta = try node.number("beta", default: 0.5)
  }
  package var kernel: UnaryFunction? { .hardSigmoid(alpha: alpha, beta: beta) }
  package func apply(_ x: Double) -> Double { max(0, min(1, Double(alpha) * x + Double(beta))) }
}

/// x / (1 + exp(-alpha x)).
package struct Swish: UnaryDefinition {
  let alpha: Float
  package static let name = "Swish"
  package static let since = 24
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
  }
  package var kernel: UnaryFunction? { alpha == 1 ? .silu : .quickGelu(alpha: alpha) }
  package func apply(_ x: Double) -> Double { x / (1 + exp(-Double(alpha) * x)) }
}

/// x Φ(x), or with `approximate` "tanh" x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
package struct Gelu: UnaryDefinition {
  let approximatesByTanh: Bool
  package static let name = "Gelu"
  package static let since = 20
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let approximate = try node.text("approximate", default: "none")
    guard approximate == "none" || approximate == "tanh" else {
      throw OperatorError(
        .invalidAttribute, "approximate: expected 'none' or 'tanh', got '\(approximate)'")
    }
    approximatesByTanh = approximate == "tanh"
  }
  package var kernel: UnaryFunction? { approximatesByTanh ? .geluTanh : .gelu }
  package func apply(_ x: Double) -> Double {
    approximatesByTanh
      ? x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
      : x / 2 * erfc(-x / 2.0.squareRoot())
  }
}

/// x + bias where x < -lambd, x - bias where x > lambd, else 0.
package struct Shrink: UnaryDefinition {
  let lambda, bias: Float
  package static let name = "Shrink"
  package static let since = 9
  package static let integers = IntegerSupport.all
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    lambda = try node.number("lambd", default: 0.5)
    bias = try node.number("bias", default: 0)
  }
  package func apply(_ x: Double) -> Double {
    x < -Double(lambda) ? x + Double(bias) : x > Double(lambda) ? x - Double(bias) : 0
  }
  package func apply<Integer: FixedWidthInteger>(integer x: Integer) -> Integer {
    let value = apply(Double(x)).rounded(.towardZero)
    return value.isNaN ? 0 : Integer(exactly: value) ?? (value < 0 ? .min : .max)
  }
}
