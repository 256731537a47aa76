import Glibc
package import Kernels

/// |x|; the least integer stays.
package struct Abs: PlainUnaryDefinition {
  package init() {}
  package static let name = "Abs"
  package static let integers = IntegerSupport.all
  package var kernel: UnaryFunction? { .abs }
  package func apply(_ x: Double) -> Double { x.magnitude }
  package func apply<Integer: FixedWidthInteger>(integer x: Integer) -> Integer {
    x < 0 ? 0 &- x : x
  }
}

/// -x, wrapping.
package struct Neg: PlainUnaryDefinition {
  package init() {}
  package static let name = "Neg"
  package static let integers = IntegerSupport.signed
  package var kernel: UnaryFunction? { .negate }
  package func apply(_ x: Double) -> Double { -x }
  package func apply<Integer: FixedWidthInteger>(integer x: Integer) -> Integer {
    0 &- x
  }
}

/// -1, 0 or 1; NaN stays NaN.
package struct Sign: PlainUnaryDefinition {
  package init() {}
  package static let name = "Sign"
  package static let since = 9
  package static let integers = IntegerSupport.all
  package func apply(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : x }
  package func apply<Integer: FixedWidthInteger>(integer x: Integer) -> Integer {
    x > 0 ? 1 : x < 0 ? 0 &- 1 : 0
  }
}

/// x to the power 1/2.
package struct Sqrt: PlainUnaryDefinition {
  package init() {}
  package static let name = "Sqrt"
  package var kernel: UnaryFunction? { .sqrt }
  package func apply(_ x: Double) -> Double { x.squareRoot() }
}

/// 1 / x.
package struct Reciprocal: PlainUnaryDefinition {
  package init() {}
  package static let name = "Reciprocal"
  package var kernel: UnaryFunction? { .reciprocal }
  package func apply(_ x: Double) -> Double { 1 / x }
}

/// exp(x).
package struct Exp: PlainUnaryDefinition {
  package init() {}
  package static let name = "Exp"
  package var kernel: UnaryFunction? { .exp }
  package func apply(_ x: Double) -> Double { exp(x) }
}

/// log(x).
package struct Log: PlainUnaryDefinition {
  package init() {}
  package static let name = "Log"
  package var kernel: UnaryFunction? { .log }
  package func apply(_ x: Double) -> Double { log(x) }
}

/// erf(x).
package struct Erf: PlainUnaryDefinition {
  package init() {}
  package static let name = "Erf"
  package static let since = 9
  package var kernel: UnaryFunction? { .erf }
  package func apply(_ x: Double) -> Double { erf(x) }
}

/// x rounded down.
package struct Floor: PlainUnaryDefinition {
  package init() {}
  package static let name = "Floor"
  package var kernel: UnaryFunction? { .floor }
  package func apply(_ x: Double) -> Double { x.rounded(.down) }
}

/// x rounded up.
package struct Ceil: PlainUnaryDefinition {
  package init() {}
  package static let name = "Ceil"
  package var kernel: UnaryFunction? { .ceil }
  package func apply(_ x: Double) -> Double { x.rounded(.up) }
}

/// The nearest whole number, ties to the even one.
package struct Round: PlainUnaryDefinition {
  package init() {}
  package static let name = "Round"
  package static let since = 11
  package var kernel: UnaryFunction? { .roundToEven }
  package func apply(_ x: Double) -> Double { x.rounded(.toNearestOrEven) }
}

/// sin(x).
package struct Sin: PlainUnaryDefinition {
  package init() {}
  package static let name = "Sin"
  package static let since = 7
  package func apply(_ x: Double) -> Double { sin(x) }
}

/// cos(x).
package struct Cos: PlainUnaryDefinition {
  package init() {}
  package static let name = "Cos"
  package static let since = 7
  package func apply(_ x: Double) -> Double { cos(x) }
}

/// tan(x).
package struct Tan: PlainUnaryDefinition {
  package init() {}
  package static let name = "Tan"
  package static let since = 7
  package func apply(_ x: Double) -> Double { tan(x) }
}

/// asin(x).
package struct Asin: PlainUnaryDefinition {
  package init() {}
  package static let name = "Asin"
  package static let since = 7
  package func apply(_ x: Double) -> Double { asin(x) }
}

/// acos(x).
package struct Acos: PlainUnaryDefinition {
  package init() {}
  package static let name = "Acos"
  package static let since = 7
  package func apply(_ x: Double) -> Double { acos(x) }
}

/// atan(x).
package struct Atan: PlainUnaryDefinition {
  package init() {}
  package static let name = "Atan"
  package static let since = 7
  package func apply(_ x: Double) -> Double { atan(x) }
}

/// sinh(x).
package struct Sinh: PlainUnaryDefinition {
  package init() {}
  package static let name = "Sinh"
  package static let since = 9
  package func apply(_ x: Double) -> Double { sinh(x) }
}

/// cosh(x).
package struct Cosh: PlainUnaryDefinition {
  package init() {}
  package static let name = "Cosh"
  package static let since = 9
  package func apply(_ x: Double) -> Double { cosh(x) }
}

/// asinh(x).
package struct Asinh: PlainUnaryDefinition {
  package init() {}
  package static let name = "Asinh"
  package static let since = 9
  package func apply(_ x: Double) -> Double { asinh(x) }
}

/// acosh(x).
package struct Acosh: PlainUnaryDefinition {
  package init() {}
  package static let name = "Acosh"
  package static let since = 9
  package func apply(_ x: Double) -> Double { acosh(x) }
}

/// atanh(x).
package struct Atanh: PlainUnaryDefinition {
  package init() {}
  package static let name = "Atanh"
  package static let since = 9
  package func apply(_ x: Double) -> Double { atanh(x) }
}
