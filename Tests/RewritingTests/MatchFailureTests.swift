import GraphIR
import Operators
import Tensors
import Testing

@testable import Rewriting

/// One graph per reason a rule has for not matching at the graph's last node.
@Suite struct MatchFailureTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    let rule: any RewriteRule
    let nodes: String
    let reason: String
    var testDescription: String { "\(type(of: rule).name): \(reason)" }

    init(_ rule: any RewriteRule, _ nodes: String, _ reason: String) {
      (self.rule, self.nodes, self.reason) = (rule, nodes, reason)
    }
  }

  @Test(arguments: refusals) func saysWhy(_ refusal: Refusal) throws {
    let graph = try Graph(
      text: """
        g (float[2, 3, 4, 4] x, float[4, 4] a, bool flag) => (y) <float two = {2.0}, float eps = {1e-5},
        \(weight("b", [4])), \(weight("w", [4, 4])), \(weight("b2", [2])), \(weight("k", [4, 3, 1, 1]))>
        { \(refusal.nodes) }
        """)
    let root = try #require(graph.order.last)
    let failure = #expect(throws: MatchFailure.self) {
      _ = try refusal.rule.patch(at: root, in: graph, RewriteContext(opsets: ["": 17]))
    }
    #expect(failure?.reason == refusal.reason)
  }

  @Test func aProductWithAnActivationTakesNoResidual() throws {
    let graph = try Model(
      text: """
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2, 4] x) => (float[] y) <\(weight("b", [4])), \(weight("w", [4, 4]))>
        { p = MatMul (x, w) s = Add (p, b) a = Relu (s) y = Add (a, x) }
        """
    ).applying([FuseMatMulBias(), FuseGemmActivation()]).graph
    let root = try #require(graph.order.last)
    let failure = #expect(throws: MatchFailure.self) {
      _ = try FuseGemmResidual().patch(at: root, in: graph, RewriteContext(opsets: ["": 17]))
    }
    #expect(failure?.reason == "the product has an activation or a residual already")
  }

  static let refusals: [Refusal] = [
    Refusal(EliminateIdentity(), "y = Relu (x)", "expected an Identity or Dropout node"),
    Refusal(EliminateIdentity(), "y = Identity (x)", "the copy is an output"),
    Refusal(EliminateIdentity(), "y, m = Dropout (x)", "the mask is asked for"),
    Refusal(EliminateIdentity(), "y = Dropout (x, eps, flag)", "the node may train"),
    Refusal(FuseLayerNormalization(), "y = Relu (x)", "expected an Add node"),
    Refusal(
      FuseLayerNormalization(), "y = Add (x, b)", "expected a constant scale and bias of one axis"),
    Refusal(
      FuseLayerNormalization(), "s = Mul (x, b) y = Add (s, b)",
      "expected a quotient before the scale"),
    Refusal(
      FuseLayerNormalization(), "n = Div (x, x) s = Mul (n, b) y = Add (s, b)",
      "expected a root under the quotient"),
    Refusal(
      FuseLayerNormalization(), "d = Sqrt (x) n = Div (x, d) s = Mul (n, b) y = Add (s, b)",
      "expected a difference from the mean"),
    Refusal(
      FuseLayerNormalization(),
      "m = ReduceMean <axes = [1]> (x) c = Sub (x, m) d = Sqrt (x) n = Div (c, d) s = Mul (n, b) "
        + "y = Add (s, b)", "expected a mean along the last axis"),
    Refusal(
      FuseLayerNormalization(),
      "m = ReduceMean <axes = [-1]> (a) c = Sub (x, m) d = Sqrt (x) n = Div (c, d) s = Mul (n, b) "
        + "y = Add (s, b)", "the mean is another value's"),
    Refusal(
      FuseLayerNormalization(),
      "m = ReduceMean <axes = [-1]> (x) c = Sub (x, m) d = Sqrt (x) n = Div (c, d) s = Mul (n, b) "
        + "y = Add (s, b)", "expected an epsilon under the root"),
    Refusal(
      FuseLayerNormalization(),
      "m = ReduceMean <axes = [-1]> (x) c = Sub (x, m) v = ReduceMean <axes = [-1]> (c) "
        + "e = Add (v, eps) d = Sqrt (e) n = Div (c, d) s = Mul (n, b) y = Add (s, b)",
      "expected the mean of a square"),
    Refusal(
      FuseLayerNormalization(),
      "m = ReduceMean <axes = [-1]> (x) c = Sub (x, m) ma = ReduceMean <axes = [-1]> (a) "
        + "ca = Sub (a, ma) q = Pow (ca, two) v = ReduceMean <axes = [-1]> (q) e = Add (v, eps) "
        + "d = Sqrt (e) n = Div (c, d) s = Mul (n, b) y = Add (s, b)",
      "the variance is another value's"),
    Refusal(FuseGelu(), "y = Relu (x)", "expected a Mul, Div or Add node"),
    Refusal(FuseGelu(), "y = Mul (x, x)", "expected an Erf or Tanh node above"),
    Refusal(
      FuseGelu(), "d = Div (x, two) e = Erf (d) y = Mul (x, e)", "the factors are not those of GELU"
    ),
    Refusal(FuseSilu(), "y = Relu (x)", "expected a Mul node"),
    Refusal(
      FuseSilu(), "s = Sigmoid (a) y = Mul (x, s)",
      "expected a product with the factor's own sigmoid"),
    Refusal(FuseMatMulBias(), "y = Relu (x)", "expected an Add node"),
    Refusal(FuseMatMulBias(), "y = Add (x, b)", "expected a product to add to"),
    Refusal(
      FuseMatMulBias(), "p = MatMul (x, w) y = Add (p, x)", "expected a constant bias of one axis"),
    Refusal(FuseMatMulBias(), "p = MatMul (x, a) y = Add (p, b)", "expected a constant matrix"),
    Refusal(
      FuseMatMulBias(), "p = MatMul (x, w) y = Add (p, b2)", "the bias does not fit the matrix"),
    Refusal(
      FuseMatMulBias(), "p = MatMul (x, w) q = Relu (p) y = Add (p, b)",
      "the product is read elsewhere"),
    Refusal(FuseGemm(), "y = Relu (x)", "expected a Gemm node"),
    Refusal(
      FuseGemm(), "y = Gemm <alpha = 2.0> (a, w, b)", "expected alpha and beta 1 and transA 0"),
    Refusal(FuseGemm(), "y = Gemm (w, a)", "expected a constant matrix"),
    Refusal(
      FuseGemm(), "y = Gemm (a, w, b2)", "expected a constant bias that fits the matrix"),
    Refusal(FuseGemmActivation(), "y = Add (x, b)", "expected an activation"),
    Refusal(FuseGemmActivation(), "y = Relu (x)", "expected a product without activation"),
    Refusal(
      FuseConvActivation(), "c = Conv (x, k) z = Relu (c) y = Relu (c)",
      "the product is read elsewhere"),
    Refusal(FuseGemmResidual(), "y = Relu (x)", "expected an Add node"),
    Refusal(FuseConvResidual(), "y = Add (x, b)", "expected a product to add to"),
    Refusal(
      FuseConvResidual(), "c = Conv (x, k) z = Relu (c) y = Add (c, z)",
      "the product is read elsewhere"),
    Refusal(FuseBatchNormalization(), "y = Relu (x)", "expected a BatchNormalization node"),
    Refusal(
      FuseBatchNormalization(), "y = BatchNormalization <training_mode = 1> (x, b, b, b, b)",
      "the node trains"),
    Refusal(
      FuseBatchNormalization(), "y = BatchNormalization (x, b, b, b, b)",
      "expected a convolution before"),
    Refusal(
      FuseBatchNormalization(),
      "c = Conv (x, k) z = Relu (c) y = BatchNormalization (c, b, b, b, b)",
      "the convolution is read elsewhere"),
    Refusal(
      FuseBatchNormalization(), "c = Conv (x, x) y = BatchNormalization (c, b, b, b, b)",
      "expected constant weights"),
    Refusal(
      FuseBatchNormalization(), "c = Conv (x, k) y = BatchNormalization (c, b, b, b, b2)",
      "expected constant statistics, one per channel"),
    Refusal(FuseAttention(), "y = Relu (x)", "expected a MatMul or Transpose"),
    Refusal(
      FuseAttention(), "y = Transpose <perm = [0, 1, 2, 3]> (x)",
      "expected a product whose last axis stays last"),
    Refusal(FuseAttention(), "y = MatMul (x, x)", "expected a softmax before the product"),
    Refusal(
      FuseAttention(), "p = MatMul (x, x) s = Softmax <axis = 1> (p) y = MatMul (s, x)",
      "expected a softmax along the last axis"),
    Refusal(
      FuseAttention(), "r = Relu (x) s = Softmax (r) y = MatMul (s, x)",
      "expected a product, scaled by one element"),
    Refusal(
      FuseAttention(), "p = MatMul (x, x) r = Mul (p, a) s = Softmax (r) y = MatMul (s, x)",
      "expected a product, scaled by one element"),
    Refusal(
      FuseAttention(), "p = MatMul (x, x) s = Softmax (p) z = Relu (s) y = MatMul (s, x)",
      "an intermediate result is read elsewhere"),
  ]
}
