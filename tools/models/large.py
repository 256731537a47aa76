#!/usr/bin/env python3
"""Writes a transformer of any size with seeded random weights, without holding it in memory:
large.py OUT.onnx [--width W] [--layers L] [--data FILE].

Pre-norm blocks over float[batch, tokens, W], opset 17. Of every third block both branches are scaled
down, so that a linear map can do its work. With --data the weights go into a file of that name beside
OUT; without, all of them lie in one message, which may be larger than the 2 GB that protobuf's own
libraries read or write. Weights are made, written and forgotten one at a time.
"""

import argparse
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HEAD = 64
FEATURES = 32
ALIGNMENT = 4096
# Scale of a branch of a calm block beside another's.
CALM = 0.01


class Network:
    """Nodes, and the weights they need as (name, shape, mean, deviation)."""

    def __init__(self, width, layers):
        self.width, self.nodes, self.weights, self.constants = width, [], [], []
        self.constant("split", [0, 0, width // HEAD, HEAD])
        self.constant("joined", [0, 0, width])
        self.scalar("scale", HEAD**-0.5)
        for name, value in (("half", 0.5), ("one", 1.0), ("root", 2**0.5)):
            self.scalar(name, value)
        hidden = "hidden"
        for layer in range(layers):
            scale = CALM if layer % 3 == 2 else 1
            name = f"layers.{layer}"
            normal = self.normalization(f"{name}.norm1", hidden)
            hidden = self.add("Add", f"{name}.middle", hidden, self.attention(f"{name}.attention", normal, scale))
            normal = self.normalization(f"{name}.norm2", hidden)
            hidden = self.add("Add", f"{name}.end", hidden, self.mlp(f"{name}.mlp", normal, scale))
        pooled = self.add("ReduceMean", "pooled", self.normalization("norm", hidden), axes=[1], keepdims=0)
        self.weight("head", (width, FEATURES), 0, width**-0.5)
        self.add("MatMul", "features", pooled, "head")

    def add(self, operator, name, *inputs, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def weight(self, name, shape, mean, deviation):
        self.weights.append((name, shape, mean, deviation))
        return name

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.array(values, "i8"), name))

    def scalar(self, name, value):
        self.constants.append(numpy_helper.from_array(np.array(value, "f4"), name))

    def linear(self, name, value, rows, columns, scale=1.0):
        self.weight(f"{name}.weight", (rows, columns), 0, scale * rows**-0.5)
        self.weight(f"{name}.bias", (columns,), 0, 0.02 * scale)
        return self.add("Add", name, self.add("MatMul", f"{name}.product", value, f"{name}.weight"),
                        f"{name}.bias")

    def normalization(self, name, value):
        self.weight(f"{name}.weight", (self.width,), 1, 0.1)
        self.weight(f"{name}.bias", (self.width,), 0, 0.02)
        return self.add("LayerNormalization", name, value, f"{name}.weight", f"{name}.bias", axis=-1)

    def attention(self, name, value, scale):
        def heads(part, permutation):
            projected = self.linear(f"{name}.{part}", value, self.width, self.width)
            split = self.add("Reshape", f"{name}.{part}.split", projected, "split")
            return self.add("Transpose", f"{name}.{part}.heads", split, perm=permutation)

        query, keys = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1])
        scores = self.add("MatMul", f"{name}.scores", query, keys)
        scores = self.add("Mul", f"{name}.scaled", scores, "scale")
        shares = self.add("Softmax", f"{name}.shares", scores, axis=-1)
        context = self.add("MatMul", f"{name}.context", shares, heads("value", [0, 2, 1, 3]))
        context = self.add("Transpose", f"{name}.context.back", context, perm=[0, 2, 1, 3])
        joined = self.add("Reshape", f"{name}.joined", context, "joined")
        return self.linear(f"{name}.output", joined, self.width, self.width, scale)

    def mlp(self, name, value, scale):
        value = self.linear(f"{name}.fc1", value, self.width, 4 * self.width)
        error = self.add("Erf", f"{name}.erf", self.add("Div", f"{name}.divided", value, "root"))
        gate = self.add("Add", f"{name}.gate", error, "one")
        product = self.add("Mul", f"{name}.product", value, gate)
        value = self.add("Mul", f"{name}.gelu", product, "half")
        return self.linear(f"{name}.fc2", value, 4 * self.width, self.width, scale)


def varint(value):
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    result.append(value)
    return bytes(result)


def length_of(field, count):
    """The tag and length of a field of `count` bytes."""
    return varint(field << 3 | 2) + varint(count)


def field(number, payload):
    return length_of(number, len(payload)) + payload


def header(weight, offset, data):
    """A TensorProto without its contents; with where they are, if that is another file."""
    name, shape, _, _ = weight
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    if data:
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", data), ("offset", offset), ("length", size(weight))):
            tensor.external_data.add(key=key, value=str(value))
    return tensor.SerializeToString()


def size(weight):
    return 4 * int(np.prod(weight[1], dtype=np.int64))


def contents(weight, random):
    _, shape, mean, deviation = weight
    values = random.standard_normal(shape, "f4")
    values *= np.float32(deviation)
    values += np.float32(mean)
    return memoryview(values.reshape(-1)).cast("B")


# Numbers of fields in onnx.proto.
GRAPH_NODE, GRAPH_NAME, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 2, 5, 11, 12
MODEL_IR_VERSION, MODEL_GRAPH, MODEL_OPSET, TENSOR_RAW_DATA = b"\x08\x08", 7, 8, 9


def write(path, width, layers, data=None, seed=0):
    """Writes the model; returns the bytes of its weights."""
    network, random = Network(width, layers), np.random.default_rng(seed)
    value = helper.make_tensor_value_info
    small = [field(GRAPH_NODE, node.SerializeToString()) for node in network.nodes]
    small.append(field(GRAPH_NAME, b"large"))
    small += [field(GRAPH_INITIALIZER, tensor.SerializeToString()) for tensor in network.constants]
    small.append(field(GRAPH_INPUT, value(
        "hidden", TensorProto.FLOAT, ["batch", "tokens", width]).SerializeToString()))
    small.append(field(GRAPH_OUTPUT, value(
        "features", TensorProto.FLOAT, ["batch", FEATURES]).SerializeToString()))
    offsets, heads, offset = [], [], 0
    for weight in network.weights:
        offset += -offset % ALIGNMENT if data else 0
        offsets.append(offset)
        start = header(weight, offset, data)
        offset += size(weight)
        if data:
            heads.append(field(GRAPH_INITIALIZER, start))
        else:
            raw = length_of(TENSOR_RAW_DATA, size(weight))
            count = len(start) + len(raw) + size(weight)
            heads.append(length_of(GRAPH_INITIALIZER, count) + start + raw)
    total = sum(map(len, small)) + sum(map(len, heads))
    total += 0 if data else sum(map(size, network.weights))
    opset = helper.make_opsetid("", 17).SerializeToString()
    path = pathlib.Path(path)
    with path.open("wb") as file:
        file.write(MODEL_IR_VERSION + field(MODEL_OPSET, opset) + length_of(MODEL_GRAPH, total))
        file.writelines(small)
        for weight, head in zip(network.weights, heads):
            file.write(head)
            if not data:
                file.write(contents(weight, random))
    if data:
        with (path.parent / data).open("wb") as file:
            for weight, offset in zip(network.weights, offsets):
                file.seek(offset)
                file.write(contents(weight, random))
    return sum(map(size, network.weights))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--data", metavar="FILE")
    arguments = parser.parse_args()
    write(arguments.out, arguments.width, arguments.layers, arguments.data)
