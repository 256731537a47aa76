"""Cuts trained graphs down to what a comparison measures; weights stay as they are."""

import onnx
from onnx import TensorProto, helper


def users(graph, value):
    return [node for node in graph.node if value in node.input]


def rename(graph, value, name):
    """Of a value of the outermost graph; inner ones do not hide it, as the checker sees to."""
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [name if value == other else other for other in values]
        for inner in inner_graphs(node):
            rename(inner, value, name)
            for output in inner.output:
                output.name = name if output.name == value else output.name


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
    needed = drop_unused(graph)
    inputs = [value for value in graph.input if value.name in needed]
    del graph.input[:], graph.value_info[:]
    graph.input.extend(inputs)


def drop_unused(graph):
    """Removes nodes and weights that no output needs; gives the names of all values that some output does."""
    needed, nodes = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if needed.intersection(filter(None, node.output)):
            nodes.append(node)
            needed |= reads(node)
    needed.discard("")
    initializers = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(initializers)
    return needed


def reads(node):
    """Names that a node or a graph inside it may read."""
    names = set(node.input)
    for graph in inner_graphs(node):
        for inner in graph.node:
            names |= reads(inner)
        names |= {output.name for output in graph.output}
    return names


def inner_graphs(node):
    return [graph for attribute in node.attribute for graph in [attribute.g, *attribute.graphs]]


def save(model, path):
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
