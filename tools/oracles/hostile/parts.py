"""Sparse tensors and training information that contradict themselves."""

import onnx
from onnx import SparseTensorProto, TensorProto, helper

from .case import accepted, graph, model, node, refused

FLOATS = helper.make_tensor("w", TensorProto.FLOAT, [2], [1, 2])


def indices(values, dims=None, element_type=TensorProto.INT64):
    return helper.make_tensor("", element_type, dims or [len(values)], values)


def sparse(index, dims=(4,), values=FLOATS):
    tensor = SparseTensorProto(dims=dims)
    if values is not None:
        tensor.values.CopyFrom(values)
    if index is not None:
        tensor.indices.CopyFrom(index)
    return model([node("Add", "x w", "y")], sparse=[tensor])


def trained(algorithm=None, **bindings):
    message = model([node("Relu", "x", "y")])
    info = message.training_info.add()
    if algorithm is not None:
        info.algorithm.CopyFrom(algorithm)
    for key, value in bindings.items():
        info.update_binding.add(key=key, value=value)
    return message


def cases():
    yield accepted("sparse: indices", sparse(indices([0, 3])))
    yield accepted("sparse: index pairs", sparse(indices([0, 0, 1, 3], [2, 2]), (2, 4)))
    yield refused("sparse: no values", sparse(indices([0, 3]), values=None))
    yield refused("sparse: values without a name",
                  sparse(indices([0, 3]), values=helper.make_tensor("", TensorProto.FLOAT, [2], [1, 2])))
    yield refused("sparse: an index past the end", sparse(indices([0, 4])))
    yield refused("sparse: an index below 0", sparse(indices([-1, 3])))
    yield refused("sparse: a pair past the end", sparse(indices([0, 0, 1, 4], [2, 2]), (2, 4)))
    yield refused("sparse: indices out of order", sparse(indices([3, 0])))
    yield refused("sparse: an index twice", sparse(indices([3, 3])))
    yield refused("sparse: more indices than values", sparse(indices([0, 1, 3])))
    yield refused("sparse: pairs for one dimension", sparse(indices([0, 0, 1, 3], [2, 2])))
    yield refused("sparse: indices of floats", sparse(indices([0, 3], element_type=TensorProto.FLOAT)))
    yield refused("sparse: a negative dimension", sparse(indices([0, 3]), (-4,)))
    yield refused("sparse: dimensions that overflow", sparse(indices([0, 3]), (1 << 40, 1 << 40)))
    short = TensorProto(name="w", data_type=1, dims=[2], raw_data=bytes(7))
    yield refused("sparse: short values", sparse(indices([0, 3]), values=short))
    attribute = SparseTensorProto(values=short, indices=indices([0, 3]), dims=[4])
    constant = helper.make_node("Constant", [], ["w"], sparse_value=attribute)
    yield refused("sparse: short values in an attribute", model([constant, node("Add", "x w", "y")]))

    step = graph([node("Relu", "t", "u")], ["u"], inputs=["t"])
    yield accepted("training: an algorithm", trained(step))
    yield refused("training: a circle", trained(graph([node("Add", "t u", "u")], ["u"], inputs=["t"])))
    yield refused("training: two results",
                  trained(graph([node("Relu", "t", "u"), node("Abs", "t", "u")], ["u"], inputs=["t"])))
    yield refused("training: a short tensor", trained(graph(
        [node("Relu", "t", "u")], ["u"], initializers=[TensorProto(name="t", data_type=1, dims=[4], raw_data=b"")])))
    yield refused("training: dimensions that overflow", trained(graph(
        [node("Relu", "t", "u")], ["u"],
        initializers=[onnx.TensorProto(name="t", data_type=1, dims=[1 << 40, 1 << 40], raw_data=b"")])))
