import unittest

import onnx.parser

import surgery

MODEL = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[N] x, bool c, float[N] unused) => (float[N] y)
<float[1] inside = {1}, float[1] direct = {2}, float[1] idle = {3}> {
    kept = Add(x, direct)
    gone = Mul(x, idle)
    y = If (c) <
        then_branch = a () => (float[N] t) { t = Mul(kept, inside) },
        else_branch = b () => (e) { e = Identity(kept) }
    >
}
"""


class SurgeryTests(unittest.TestCase):
    def setUp(self):
        self.graph = onnx.parser.parse_model(MODEL).graph

    def test_what_an_inner_graph_reads_is_kept(self):
        needed = surgery.drop_unused(self.graph)
        self.assertEqual([node.op_type for node in self.graph.node], ["Add", "If"])
        self.assertEqual([tensor.name for tensor in self.graph.initializer], ["inside", "direct"])
        self.assertLessEqual({"x", "c", "y", "kept", "inside", "direct"}, needed)
        self.assertTrue(needed.isdisjoint({"unused", "idle", "gone"}))

    def test_values_are_renamed_inside_too(self):
        model = onnx.parser.parse_model(MODEL)
        surgery.end_at(model, [("kept", "sum", ["N"]), ("y", "y", ["N"])])
        onnx.checker.check_model(model, full_check=True)
        self.assertEqual(surgery.reads(model.graph.node[1]), {"c", "sum", "inside", "t", "e"})

    def test_a_graph_ends_at_values_asked_for(self):
        model = onnx.parser.parse_model(MODEL)
        surgery.end_at(model, [("kept", "out", ["N"])])
        graph = model.graph
        self.assertEqual([(node.op_type, list(node.output)) for node in graph.node], [("Add", ["out"])])
        self.assertEqual([value.name for value in graph.input], ["x"])
        self.assertEqual([value.name for value in graph.output], ["out"])
        onnx.checker.check_model(model, full_check=True)


if __name__ == "__main__":
    unittest.main()
