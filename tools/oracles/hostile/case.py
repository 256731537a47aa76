"""What one hostile file is, and the models they are made from."""

import dataclasses
import pathlib
from collections.abc import Callable

import onnx
from onnx import TensorProto, helper

ACCEPTED, MALFORMED, MISSING = 0, 65, 66
OPSET = helper.make_opsetid("", 21)


@dataclasses.dataclass(frozen=True)
class Case:
    """A model file and how the program must end on it.

    `data` is the file's contents; None where `arrange` puts something else in its place. `arrange` gets the
    folder the model lies in, and may put other things there and in the folder above. `verbs` are tried in turn,
    with `options`.
    """

    name: str
    data: bytes | None
    status: int = MALFORMED
    words: str = ""
    arrange: Callable[[pathlib.Path], None] | None = None
    options: tuple = ()
    verbs: tuple = ("inspect", "copy")


def encoded(item):
    return item if isinstance(item, bytes) else item.SerializeToString()


def refused(name, item, words="", arrange=None, **rest):
    return Case(name, encoded(item), MALFORMED, words, arrange, **rest)


def accepted(name, item, arrange=None, **rest):
    return Case(name, encoded(item), ACCEPTED, "", arrange, **rest)


def value(name, shape=(4,), element_type=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element_type, shape)


def model(nodes, inputs=("x",), outputs=("y",), initializers=(), functions=(), sparse=(), shape=(4,),
          domains=()):
    """A model over float vectors of `shape`; inputs and outputs are names or declarations."""
    def declared(items):
        return [value(item, shape) if isinstance(item, str) else item for item in items]

    graph = helper.make_graph(nodes, "g", declared(inputs), declared(outputs), list(initializers),
                              sparse_initializer=list(sparse))
    imports = [OPSET, *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=10)


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def plain():
    return model([node("Relu", "x", "y")])


def weighted(tensor):
    """A model that adds the initializer `tensor`, called w, to its input."""
    tensor.name = "w"
    return model([node("Add", "x w", "y")], initializers=[tensor])


def graph(nodes, outputs=("y",), inputs=(), initializers=()):
    return helper.make_graph(nodes, "inner", [value(name) for name in inputs],
                             [value(name) for name in outputs], list(initializers))


def conditional(then_branch, else_branch=None, **rest):
    """A model whose If has the given graphs as branches."""
    branches = {"then_branch": then_branch,
                "else_branch": else_branch or graph([node("Abs", "x", "other")], ["other"])}
    condition = onnx.helper.make_tensor("condition", TensorProto.BOOL, [], [True])
    return model([node("If", "condition", "y", **branches)],
                 initializers=[condition, *rest.pop("initializers", ())], **rest)
