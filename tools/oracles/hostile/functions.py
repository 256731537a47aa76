"""Functions that cannot be expanded, or not without end."""

import onnx
from onnx import TensorProto, helper

from .case import OPSET, accepted, model, node, refused, value


def function(name, nodes, inputs=("a",), outputs=("b",), **rest):
    imports = [OPSET, helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, list(inputs), list(outputs), nodes, imports, **rest)


def call(name, inputs, outputs, **attributes):
    return node(name, inputs, outputs, domain="local", **attributes)


def calling(*functions, name="F0"):
    return model([call(name, "x", "y")], functions=functions, domains=["local"])


def doubling(count):
    """A model whose node is 2^count when its calls are expanded."""
    calls = [function(f"F{index}", [call(f"F{index + 1}", "a", "t"), call(f"F{index + 1}", "t", "b")])
             for index in range(count)]
    return calling(*calls, function(f"F{count}", [node("Relu", "a", "b")]))


def cases():
    relu = [node("Relu", "a", "b")]
    yield accepted("a call", calling(function("F0", relu)))
    yield accepted("two of one name, in overloads", calling(function("F0", relu), function("F0", relu, overload="o")))
    yield accepted("2^29 nodes, not expanded to copy", doubling(29), verbs=("copy",))
    yield refused("calls itself", calling(function("F0", [call("F0", "a", "b")])))
    yield refused("two call each other", calling(function("F0", [call("F1", "a", "b")]),
                                                 function("F1", [call("F0", "a", "b")])))
    ring = [function(f"F{index}", [call(f"F{(index + 1) % 500}", "a", "b")]) for index in range(500)]
    yield refused("five hundred in a circle", calling(*ring))
    branch = helper.make_graph([call("F0", "a", "inside")], "then", [], [value("inside")])
    yield refused("calls itself out of a branch", calling(function("F0", [
        node("Cast", "a", "c", to=TensorProto.BOOL), node("If", "c", "b", then_branch=branch, else_branch=branch)])))
    yield refused("recursion nothing calls", model(
        [node("Relu", "x", "y")], functions=[function("F0", [call("F0", "a", "b")])], domains=["local"]))
    yield refused("two of one name", calling(function("F0", relu), function("F0", relu)))
    yield refused("reads nothing", calling(function("F0", [node("Add", "a nothing", "b")])))
    yield refused("an output of nothing", calling(function("F0", relu, outputs=("b", "nothing"))))
    yield refused("two results", calling(function("F0", [*relu, node("Abs", "a", "b")])))
    yield refused("one input twice", calling(function("F0", relu, inputs=("a", "a"))))
    yield refused("a circle", calling(function("F0", [node("Add", "a b", "b")])))
    bad = onnx.TensorProto(name="w", data_type=1, dims=[4], raw_data=bytes(3))
    yield refused("a short tensor inside", calling(function("F0", [
        helper.make_node("Constant", [], ["w"], value=bad), node("Add", "a w", "b")])))
