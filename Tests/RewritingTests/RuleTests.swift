import GraphIR
import Operators
import Tensors
import Testing

@testable import Rewriting

/// A graph before rules, and the operators after them.
struct RuleCase: Sendable, CustomTestStringConvertible {
  let name: String
  let shapes: [[Int]]
  let text: String
  let operators: [String]
  var opset = 17

  var testDescription: String { name }

  var model: Model {
    get throws { try Model(text: "<ir_version: 8, opset_import: [\"\" : \(opset)]>\n" + text) }
  }
}

/// An initializer of noise.
func weight(_ name: String, _ shape: [Int], seed: UInt64 = 7) -> String {
  let values = Tensor.noise(shape, seed: seed).elements(as: Float.self)
  return "float\(shape) \(name) = {\(values.map { "\($0)" }.joined(separator: ", "))}"
}

@Suite struct RuleTests {
  /// Sums of at most 64 products in another order: below 64 units roundoff of the largest result.
  static let tolerance: Float = 64 * 0x1p-24 * 4

  @Test(arguments: fusions) func fuses(_ ruleCase: RuleCase) throws {
    let model = try ruleCase.model
    let lowered = try model.applying(lowering)
    #expect(lowered.operators == ruleCase.operators)
    let inputs = ruleCase.shapes.enumerated().map { Tensor.noise($1, seed: UInt64($0 + 1)) }
    try expectEqual(model, lowered, inputs, tolerance: Self.tolerance)
  }

  static let normalization = """
    m = ReduceMean <axes = [-1]> (x) c = Sub (x, m) q = Pow (c, two) v = ReduceMean <axes = [-1]> (q)
    w = Add (v, eps) d = Sqrt (w) n = Div (c, d) s = Mul (n, scale) y = Add (s, bias)
    """

  static func layerNormalization(_ name: String, _ edits: [(String, String)]) -> RuleCase {
    let nodes = edits.reduce(normalization) { $0.replacing($1.0, with: $1.1) }
    return RuleCase(
      name: name, shapes: [[2, 3, 8]],
      text: """
        g (float[2, 3, 8] x) => (float[] y) <\(weight("scale", [8])), \(weight("bias", [8])),
        float two = {2.0}, float half = {0.5}, float eps = {1e-5}> { \(nodes) }
        """, operators: ["LayerNormalization"])
  }

  static func gelu(_ name: String, _ nodes: String, _ kind: String = "none") -> RuleCase {
    RuleCase(
      name: name, shapes: [[3, 5]],
      text: """
        g (float[3, 5] x) => (float[] y) <float half = {0.5}, float one = {1.0}, float two = {2.0},
        float root2 = {1.4142135}, float inverse = {0.70710677}, float three = {3.0},
        float k = {0.7978845608}, float c = {0.044715}> { \(nodes) }
        """, operators: ["Gelu:\(kind)"])
  }

  static func product(_ name: String, _ nodes: String, _ operators: [String]) -> RuleCase {
    RuleCase(
      name: name, shapes: [[2, 3, 4], [3, 6], [6, 4]],
      text: """
        g (float[2, 3, 4] x, float[3, 6] r, float[6, 4] z) => (float[] y) <\(weight("w", [4, 6])),
        \(weight("b", [6], seed: 3)), int64[3] shape = {-1, 6, 1}> { \(nodes) }
        """, operators: operators)
  }

  static func attention(_ name: String, _ nodes: String, _ operators: [String]) -> RuleCase {
    RuleCase(
      name: name, shapes: [[2, 3, 5, 4], [2, 3, 7, 4], [2, 3, 7, 6], [2, 1, 5, 7]],
      text: """
        g (float[2, 3, 5, 4] q, float[2, 3, 7, 4] k, float[2, 3, 7, 6] v, float[2, 1, 5, 7] mask)
        => (float[] y) <float scale = {0.25}, float zero = {0.0}, int64 last = {3}>
        { kt = Transpose <perm = [0, 1, 3, 2]> (k) p = MatMul (q, kt) \(nodes) }
        """, operators: operators)
  }

  static func convolution(_ name: String, _ nodes: String, _ operators: [String]) -> RuleCase {
    RuleCase(
      name: name, shapes: [[2, 3, 5, 5], [2, 4, 3, 3]],
      text: """
        g (float[2, 3, 5, 5] x, float[2, 4, 3, 3] r) => (float[] y) <\(weight("w", [4, 3, 3, 3])),
        \(weight("b", [4])), \(weight("mean", [4], seed: 5)), float[4] variance = {1.0, 0.5, 2.0, 3.0},
        \(weight("row", [1, 4, 1, 3]))> { \(nodes) }
        """, operators: operators)
  }

  static let fusions: [RuleCase] =
    [
      layerNormalization("layer normalization", []),
      layerNormalization(
        "layer normalization, sums and products turned",
        [
          ("Mul (n, scale)", "Mul (scale, n)"), ("Add (s, bias)", "Add (bias, s)"),
          ("Add (v, eps)", "Add (eps, v)"), ("Pow (c, two)", "Mul (c, c)"),
        ]),
      layerNormalization(
        "layer normalization by a reciprocal, Pow for Sqrt and a second difference",
        [
          ("n = Div (c, d)", "c2 = Sub (x, m) i = Reciprocal (d) n = Mul (i, c2)"),
          ("Sqrt (w)", "Pow (w, half)"),
        ]),
      gelu(
        "gelu",
        "d = Div (x, root2) e = Erf (d) f = Add (e, one) g = Mul (x, f) y = Mul (g, half)"),
      gelu(
        "gelu, factors turned",
        "d = Mul (inverse, x) e = Erf (d) f = Add (one, e) g = Mul (half, f) y = Mul (g, x)"),
      gelu(
        "gelu, half of x",
        "d = Div (x, root2) e = Erf (d) f = Add (e, one) h = Div (x, two) "
          + "y = Mul (h, f)"),
      gelu(
        "gelu by tanh",
        "p = Pow (x, three) a = Mul (c, p) s = Add (x, a) t = Mul (k, s) e = Tanh (t) "
          + "f = Add (one, e) h = Mul (half, x) y = Mul (h, f)", "tanh"),
      gelu(
        "gelu by tanh, the cube multiplied out",
        "p = Mul (x, x) a = Mul (p, c) s = Add (a, one) i = Mul (x, k) t = Mul (i, s) e = Tanh (t) "
          + "f = Add (e, one) h = Mul (x, f) y = Mul (h, half)", "tanh"),
      RuleCase(
        name: "silu", shapes: [[7]],
        text: "g (float[7] x) => (float[] y) { s = Sigmoid (x) y = Mul (s, x) }",
        operators: ["Swish"]),
      RuleCase(
        name: "identity and dropout", shapes: [[7]],
        text: "g (float[7] x) => (float[] y) { a = Identity (x) b = Dropout (a) y = Relu (b) }",
        operators: ["Relu"]),
      product("bias", "p = MatMul (x, w) y = Add (b, p)", ["FusedGemm"]),
      product(
        "bias, a residual that is repeated", "p = MatMul (x, w) s = Add (p, b) y = Add (r, s)",
        ["FusedGemm"]),
      product(
        "a product that is read twice keeps its readers",
        "p = MatMul (x, w) s = Add (p, b) a = Relu (s) q = Add (a, s) y = Relu (q)",
        ["FusedGemm", "Relu", "Add", "Relu"]),
      product(
        "Gemm and its activation", "y0 = Gemm (z, w, b) y = Relu (y0)", ["FusedGemm:relu"]),
      product(
        "a residual that repeats the product",
        "p = MatMul (z, w) s = Add (p, b) f = Flatten <axis = 2> (x) u = Reshape (f, shape) "
          + "y = Add (s, u)", ["Flatten", "Reshape", "FusedGemm"]),
      attention(
        "attention, scaled, masked and transposed",
        "r = Mul (scale, p) s = Add (mask, r) w = Softmax <axis = -1> (s) o = MatMul (w, v) "
          + "y = Transpose <perm = [0, 2, 1, 3]> (o)", ["Transpose", "FusedAttention"]),
      attention(
        "attention alone",
        "w = Softmax <axis = 3> (p) o = MatMul (w, v) "
          + "y = Transpose <perm = [2, 0, 1, 3]> (o)", ["Transpose", "FusedAttention"]),
      attention(
        "attention divided by an extent, its rows guarded",
        "e = Shape (q) f = Gather (e, last) h = Cast <to = 1> (f) d = Sqrt (h) r = Div (p, d) "
          + "w = Softmax (r) i = IsNaN (w) u = Where (i, zero, w) y = MatMul (u, v)",
        ["Transpose", "Shape", "Gather", "Cast", "Sqrt", "FusedAttention"]),
      convolution(
        "batch normalization",
        "c = Conv (x, w, b) n = BatchNormalization (c, b, mean, mean, variance) "
          + "y = Relu (n)", ["FusedConv:relu"]),
      convolution(
        "convolution, residual and activation",
        "c = Conv (x, w) s = Add (r, c) y = Relu (s)", ["FusedConv:relu"]),
      convolution(
        "convolution and a residual that is repeated", "c = Conv (x, w, b) y = Add (c, row)",
        ["FusedConv"]),
    ]

  @Test func aRowMaskedWholeBecomesZero() throws {
    let ruleCase = Self.attention(
      "guarded",
      "s = Add (p, mask) w = Softmax (s) i = IsNaN (w) u = Where (i, zero, w) "
        + "y = MatMul (u, v)", [])
    let model = try ruleCase.model
    let lowered = try model.applying(lowering)
    var inputs = ruleCase.shapes.map { Tensor.noise($0) }
    inputs[3] = Tensor([Float](repeating: -.infinity, count: 70), shape: [2, 1, 5, 7])
    let result = try #require(evaluate(lowered, inputs).first)
    #expect(lowered.operators.last == "FusedAttention")
    #expect(result.elements(as: Float.self).allSatisfy { $0 == 0 })
  }
}
