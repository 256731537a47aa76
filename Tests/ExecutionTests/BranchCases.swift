import GraphIR
import Tensors

/// Cases of `If`.
extension ControlFlowTests {
  static let branches: [ControlFlowCase] = [
    ControlFlowCase(
      "a constant condition",
      """
      (float[2] x) => (y) <bool c = {1}> {
        y = If <then_branch = t () => (a) { a = Neg (x) }, else_branch = e () => (b) { b = Abs (x) }> (c)
      }
      """, x, gives: "float[2] -1 -2"),
    ControlFlowCase(
      "a fed condition, true",
      """
      (float[2] x, bool c) => (y) {
        y = If <then_branch = t () => (a) { a = Neg (x) }, else_branch = e () => (b) { b = Abs (x) }> (c)
      }
      """, given(true), gives: "float[2] -1 -2"),
    ControlFlowCase(
      "a fed condition, false, of one axis",
      """
      (float[2] x, bool[1] c) => (y) {
        y = If <then_branch = t () => (a) { a = Neg (x) }, else_branch = e () => (b) { b = Abs (x) }> (c)
      }
      """, x.merging(["c": .tensor(Tensor([false]))]) { $1 }, gives: "float[2] 1 2"),
    ControlFlowCase(
      "branches of other shapes, and nodes behind them",
      """
      (float[2] x, bool c) => (z) <float one = {1}> {
        y = If <then_branch = t () => (a) { a = Concat <axis = 0> (x, x) },
                else_branch = e () => (b) { b = Identity (x) }> (c)
        n = Neg (y)
        z = Add (n, one)
      }
      """, given(true), gives: "float[4] 0 -1 0 -1"),
    ControlFlowCase(
      "captures of what nodes compute, of initializers and of constants",
      """
      (float[2] x, bool c) => (y) <float[2] w = {10, 20}> {
        h = Add (x, x)
        k = Constant <value = float[1] {5}> ()
        y = If <then_branch = t () => (r) { a = Add (h, w) r = Mul (a, k) },
                else_branch = e () => (r) { r = Identity (w) }> (c)
      }
      """, given(true), gives: "float[2] 60 120"),
    ControlFlowCase(
      "an output that is captured, an initializer of the branch, or the outer one",
      """
      (float[2] x, bool c) => (y, z, v) <float[2] w = {10, 20}> {
        h = Neg (x)
        y, z, v = If <then_branch = t () => (h, i, w) <float[1] i = {7}> { },
                      else_branch = e () => (x, x, x) { }> (c)
      }
      """, given(true), gives: "float[2] -1 -2", "float[1] 7", "float[2] 10 20"),
    ControlFlowCase(
      "an output that is a fed value twice",
      """
      (float[2] x, bool c) => (y, z) {
        y, z = If <then_branch = t () => (x, x) { }, else_branch = e () => (x, x) { }> (c)
      }
      """, given(false), gives: "float[2] 1 2", "float[2] 1 2"),
    ControlFlowCase(
      "values captured from two levels up",
      """
      (float[2] x, bool c) => (y) <float[2] w = {10, 20}> {
        h = Add (x, x)
        y = If <then_branch = t () => (a) {
                  m = Neg (h)
                  a = If <then_branch = tt () => (r) { s = Add (h, w) r = Add (s, m) },
                          else_branch = te () => (r) { r = Identity (m) }> (c)
                },
                else_branch = e () => (x) { }> (c)
      }
      """, given(true), gives: "float[2] 10 20"),
    ControlFlowCase(
      "an input of a name outside hides it",
      """
      (float[2] x, bool c) => (y) <int64 two = {2}> {
        y = Loop <body = b (int64 i, bool d, float[2] x) => (d, n) { n = Add (x, x) }> (two, c, x)
      }
      """, given(true), gives: "float[2] 4 8"),
    ControlFlowCase(
      "an output that planned nodes read too",
      """
      (float[2] x, bool c) => (y, z, y) {
        y = If <then_branch = t () => (a) { a = Neg (x) }, else_branch = e () => (b) { b = Abs (x) }> (c)
        z = Exp (y)
      }
      """, ["x": .floats([0, 0]), "c": .flag(true)], gives: "float[2] 0 0", "float[2] 1 1",
      "float[2] 0 0"),
    ControlFlowCase(
      "a view of an output",
      """
      (float[2] x, bool c) => (z) <int64[2] s = {2, 1}> {
        y = If <then_branch = t () => (a) { a = Neg (x) }, else_branch = e () => (b) { b = Abs (x) }> (c)
        z = Reshape (y, s)
      }
      """, given(true), gives: "float[2, 1] -1 -2"),
    ControlFlowCase(
      "outputs of which nothing is read",
      """
      (float[2] x, bool c) => (z) {
        , z = If <then_branch = t () => (a, x) { a = Neg (x) }, else_branch = e () => (x, x) { }> (c)
      }
      """, given(true), gives: "float[2] 1 2"),
    ControlFlowCase(
      "sequences and optional values",
      """
      (float[2] x, bool c) => (y, n, o, z) {
        y = If <then_branch = t () => (a) { a = SequenceConstruct (x, x) },
                else_branch = e () => (b) { b = SequenceEmpty () }> (c)
        n = SequenceLength (y)
        o = If <then_branch = t2 () => (a) { a = Optional (x) },
                else_branch = e2 () => (b) { b = Optional () }> (c)
        z = OptionalHasElement (o)
      }
      """, given(false), gives: "()", "int64[] 0", "<>", "bool[] false"),
  ]
}
