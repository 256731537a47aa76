"""Cuts trained graphs down to what a comparison measures; weights stay as they are."""

import onnx
from onnx import TensorProto, helper


def users(graph, value):
    return [node for node in graph.node if value in node.input]


def rename(graph, value, name):
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [name if value == other else other for other in values]


def end_at(model, outputs):
    """Makes values the only outputs, and drops what none of them needs.

    `outputs` has (name of a value, what it is called as an output, shape), all float.
    """
    graph = model.graph
    del graph.output[:]
    for value, name, shape in outputs:
        if value != name:
            rename(graph, value, name)
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    needed, nodes = {name for _, name, _ in outputs}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    nodes.reverse()
    del graph.node[:]
    graph.node.extend(nodes)
    for values in (graph.initializer, graph.input):
        gone = [value for value in values if value.name not in needed]
        for value in gone:
            values.remove(value)
    del graph.value_info[:]


def save(model, path):
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
