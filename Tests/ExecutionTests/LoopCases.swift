import GraphIR
import Tensors

/// Cases of `Loop` and `Scan`, and of what is wrong with graphs inside nodes.
extension ControlFlowTests {
  static let loops: [ControlFlowCase] = [
    ControlFlowCase(
      "carried values and scan outputs",
      """
      (float[2] x, int64 m) => (y, s) {
        y, s = Loop <body = b (int64 i, bool c, float[2] v) => (c, w, w) { w = Add (v, x) }> (m, , x)
      }
      """, x.merging(["m": .integer(3)]) { $1 }, gives: "float[2] 4 8",
      "float[3, 2] 2 4 3 6 4 8"),
    ControlFlowCase(
      "no iteration, with declared types",
      """
      (float[2] x, int64 m) => (y, s, t) {
        y, s, t = Loop <body = b (int64 i, bool c, v) => (c, w, float[2] w2, int64 k) {
          w = Add (v, v) w2 = Neg (v) k = Identity (i) }> (m, , x)
      }
      """, x.merging(["m": .integer(0)]) { $1 }, gives: "float[2] 1 2", "float[0, 2]", "int64[0]"),
    ControlFlowCase(
      "a negative number of iterations is none",
      """
      (float[2] x, int64 m) => (y) {
        y = Loop <body = b (int64 i, bool c, float[2] v) => (c, w) { w = Add (v, v) }> (m, , x)
      }
      """, x.merging(["m": .integer(-5)]) { $1 }, gives: "float[2] 1 2"),
    ControlFlowCase(
      "a condition that is false at first",
      """
      (float[2] x, bool c) => (y) {
        y = Loop <body = b (int64 i, bool d, float[2] v) => (d, w) { w = Add (v, v) }> (, c, x)
      }
      """, given(false), gives: "float[2] 1 2"),
    ControlFlowCase(
      "a condition that ends it, and no limit",
      """
      (float[2] x) => (y, s) <float top = {50}> {
        y, s = Loop <body = b (int64 i, bool c, float[2] v) => (more, w, i2) {
          w = Add (v, v) p = ReduceMax <keepdims = 0> (w) more = Less (p, top) i2 = Identity (i) }> (, , x)
      }
      """, x, gives: "float[2] 32 64", "int64[5] 0 1 2 3 4"),
    ControlFlowCase(
      "shapes that change",
      """
      (float[2] x) => (y, z) <int64 m = {3}> {
        y = Loop <body = b (int64 i, bool c, v) => (c, w) { w = Concat <axis = 0> (v, x) }> (m, , x)
        z = Neg (y)
      }
      """, x, gives: "float[8] 1 2 1 2 1 2 1 2", "float[8] -1 -2 -1 -2 -1 -2 -1 -2"),
    ControlFlowCase(
      "shapes that the body declares wrongly",
      """
      (float[2] x) => (y, n) <int64 m = {2}> {
        y, n = Loop <body = b (int64 i, bool c, float[2] v, float[2] u) => (c, w, z) {
          w = Concat <axis = 0> (v, x) z = Neg (v) }> (m, , x, x)
      }
      """, x, gives: "float[6] 1 2 1 2 1 2", "float[4] -1 -2 -1 -2"),
    ControlFlowCase(
      "types that change one after the other",
      """
      (float[2] x) => (a, b, c, d) <int64 m = {5}> {
        a, b, c, d = Loop <body = l (int64 i, bool k, a0, b0, c0, d0) => (k, b1, c1, d1, e1) {
          b1 = Identity (b0) c1 = Identity (c0) d1 = Identity (d0)
          e1 = Concat <axis = 0> (x, x) }> (m, , x, x, x, x)
      }
      """, x, gives: "float[4] 1 2 1 2", "float[4] 1 2 1 2", "float[4] 1 2 1 2",
      "float[4] 1 2 1 2"),
    ControlFlowCase(
      "carried values that change places, and those that stay",
      """
      (float[2] x) => (a, b, z) <int64 m = {3}, float[2] w = {5, 6}> {
        a, b = Loop <body = l (int64 i, bool k, p, q) => (k, q, p) { }> (m, , x, w)
        z = Add (a, b)
      }
      """, x, gives: "float[2] 5 6", "float[2] 1 2", "float[2] 6 8"),
    ControlFlowCase(
      "a carried sequence",
      """
      (float[2] x) => (s, n, t) <int64 m = {3}, int64 last = {-1}> {
        e = SequenceEmpty ()
        s = Loop <body = b (int64 i, bool c, seq(float) v) => (c, w) {
          f = Cast <to = 1> (i) y = Add (x, f) w = SequenceInsert (v, y) }> (m, , e)
        n = SequenceLength (s)
        t = SequenceAt (s, last)
      }
      """, x, gives: "(float[2] 1 2; float[2] 2 3; float[2] 3 4)", "int64[] 3", "float[2] 3 4"),
    ControlFlowCase(
      "a loop in a branch in a loop",
      """
      (float[2] x) => (y) <int64 m = {3}, int64 two = {2}, int64 one = {1}> {
        y = Loop <body = outer (int64 i, bool c, float[2] v) => (c, w) {
          odd = Equal (i, one)
          w = If <then_branch = t () => (r) {
                    r = Loop <body = inner (int64 j, bool d, float[2] u) => (d, o) { s = Add (u, v) o = Add (s, x) }> (two, , v)
                  },
                  else_branch = e () => (r) { r = Add (v, x) }> (odd)
        }> (m, , x)
      }
      """, x, gives: "float[2] 9 18"),
    ControlFlowCase(
      "a body that reads nothing of its inputs",
      """
      () => (s) <int64 m = {2}, bool yes = {1}, float[2] w = {3, 4}> {
        s = Loop <body = b (int64 i, bool c) => (yes, w) { }> (m, yes)
      }
      """, [:], gives: "float[2, 2] 3 4 3 4"),
    ControlFlowCase(
      "strings",
      """
      () => (s) <int64 m = {2}, string[1] a = {"b"}> {
        s = Loop <body = b (int64 i, bool c, string[1] t) => (c, t) { }> (m, , a)
      }
      """, [:], gives: "string[1] b"),
  ]

  static let scans: [ControlFlowCase] = [
    ControlFlowCase(
      "states and elements",
      """
      (float[2] x, float[3, 2] e) => (y, s) {
        y, s = Scan <num_scan_inputs = 1, body = b (float[2] v, float[2] p) => (w, w) { w = Add (v, p) }> (x, e)
      }
      """, x.merging(["e": .floats([1, 1, 2, 2, 3, 3], [3, 2])]) { $1 }, gives: "float[2] 7 8",
      "float[3, 2] 2 3 4 5 7 8"),
    ControlFlowCase(
      "axes and directions",
      """
      (float[2, 3] e, float[3] f) => (s, t) {
        s, t = Scan <num_scan_inputs = 2, scan_input_axes = [1, -1], scan_input_directions = [0, 1],
                     scan_output_axes = [-1, 0], scan_output_directions = [1, 0],
                     body = b (float[2] p, float q) => (r, q2) { r = Add (p, q) q2 = Neg (q) }> (e, f)
      }
      """, ["e": .floats([1, 2, 3, 4, 5, 6], [2, 3]), "f": .floats([10, 20, 30])],
      gives: "float[2, 3] 13 22 31 16 25 34", "float[3] -30 -20 -10"),
    ControlFlowCase(
      "no elements",
      """
      (float[2] x, float[n, 2] e) => (y, s) {
        y, s = Scan <num_scan_inputs = 1, body = b (v, p) => (w, float[2] r) { w = Add (v, p) r = Neg (p) }> (x, e)
      }
      """, x.merging(["e": .floats([], [0, 2])]) { $1 }, gives: "float[2] 1 2", "float[0, 2]"),
    ControlFlowCase(
      "inputs of two lengths",
      """
      (float[2] e, float[3] f) => (s) {
        s = Scan <num_scan_inputs = 2, body = b (p, q) => (r) { r = Add (p, q) }> (e, f)
      }
      """, ["e": .floats([1, 2]), "f": .floats([1, 2, 3])],
      gives: "node Scan: expected scan inputs of one length, got [2, 3]"),
    ControlFlowCase(
      "an axis that is not there",
      """
      (float[2] e) => (s) {
        s = Scan <num_scan_inputs = 1, scan_input_axes = [1], body = b (p) => (p) { }> (e)
      }
      """, ["e": .floats([1, 2])], gives: "node Scan: axis 1 is out of range for rank 1"),
    ControlFlowCase(
      "batches of version 8, of several lengths",
      """
      (int64[2] n, float[2, 1] x, float[2, 3, 1] e) => (y, s) {
        y, s = Scan <num_scan_inputs = 1, body = b (float[1] v, float[1] p) => (w, w) { w = Add (v, p) }> (n, x, e)
      }
      """,
      [
        "n": .tensor(Tensor([3, 1] as [Int64])), "x": .floats([0, 10], [2, 1]),
        "e": .floats([1, 2, 3, 4, 5, 6], [2, 3, 1]),
      ], opset: 8, gives: "float[2, 1] 6 14", "float[2, 3, 1] 1 3 6 14 0 0"),
  ]

  static let faults: [ControlFlowCase] = [
    ControlFlowCase(
      "a branch with too few outputs",
      """
      (float[2] x, bool c) => (y, z) {
        y, z = If <then_branch = t () => (x, x) { }, else_branch = e () => (x) { }> (c)
      }
      """, given(true), gives: "node If: attribute 'else_branch': expected 2 outputs, got 1"),
    ControlFlowCase(
      "a branch with inputs",
      """
      (float[2] x, bool c) => (y) {
        y = If <then_branch = t (float[2] q) => (q) { }, else_branch = e () => (x) { }> (c)
      }
      """, given(true),
      gives: "node If: attribute 'then_branch': expected no inputs, got 1"),
    ControlFlowCase(
      "a loop's body with too few inputs",
      """
      (float[2] x) => (y) <int64 m = {1}> {
        y = Loop <body = b (int64 i, bool c) => (c, x) { }> (m, , x)
      }
      """, x, gives: "node Loop: expected a body of 3 inputs and 2 outputs, got 2 and 2"),
    ControlFlowCase(
      "a missing graph", "(float[2] x, bool c) => (y) { y = If (c) }", given(true),
      gives: "node If: attribute 'then_branch' is missing"),
    ControlFlowCase(
      "a condition of two elements",
      """
      (float[2] x, bool[2] c) => (y) {
        y = If <then_branch = t () => (x) { }, else_branch = e () => (x) { }> (c)
      }
      """, x.merging(["c": .tensor(Tensor([true, false]))]) { $1 },
      gives: "node If: cond: expected one element, got [2]"),
    ControlFlowCase(
      "errors name the nodes around, and the one that fails",
      """
      (float[2] x, bool c) => (y) <int64 m = {2}> {
        [outer] y = Loop <body = b (int64 i, bool d, v) => (d, w) {
          [middle] w = If <then_branch = t () => (r) { [inner] r = MatMul (v, v2) v2 = Concat <axis = 0> (v, v) },
                           else_branch = e () => (v) { }> (c)
        }> (m, , x)
      }
      """, given(true),
      gives: """
        node 'outer' (Loop): node 'middle' (If): node 'inner' (MatMul): \
        inner dimensions differ, got [2] and [4]
        """),
    ControlFlowCase(
      "a carried value that becomes a sequence where a tensor is declared",
      """
      (float[2] x) => (y) <int64 m = {2}> {
        y = Loop <body = b (int64 i, bool d, float[2] v) => (d, w) { n = Neg (v) w = SequenceConstruct (n) }> (m, , x)
      }
      """, x, gives: "node Loop: node Neg: input 0: expected a tensor, got a sequence of 1"),
    ControlFlowCase(
      "elements of two shapes",
      """
      (float[2] x) => (s) <int64 m = {2}> {
        y, s = Loop <body = b (int64 i, bool d, v) => (d, w, w) { w = Concat <axis = 0> (v, v) }> (m, , x)
      }
      """, x, gives: "node Loop: expected elements of one type, got float[4] and float[8]"),
    ControlFlowCase(
      "no iteration, and nothing that tells the type",
      """
      (float[2] x) => (s) <int64 m = {0}> {
        s = Loop <body = b (int64 i, bool d) => (d, x) { }> (m, )
      }
      """, x, gives: "node Loop: nothing tells the type of a stack of no elements"),
  ]
}
