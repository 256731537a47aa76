"""Builds networks node by node, with seeded weights of a realistic scale."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


# Standard deviation transformers are initialised with.
DEVIATION = 0.02


class Builder:
    """A graph under construction: `add` appends a node and returns the name of its result."""

    def __init__(self, name, seed):
        self.name, self.random = name, np.random.default_rng(seed)
        self.nodes, self.initializers, self.counts = [], [], {}

    def add(self, operator, *inputs, **attributes):
        index = self.counts.get(operator, 0)
        self.counts[operator] = index + 1
        name = f"/{operator}_{index}"
        self.nodes.append(helper.make_node(operator, list(inputs), [f"{name}_output"], name, **attributes))
        return self.nodes[-1].output[0]

    def constant(self, value, kind="f4"):
        """A Constant node, as the TorchScript exporter writes them."""
        return self.add("Constant", value=numpy_helper.from_array(np.array(value, kind)))

    def weight(self, name, values):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values, "f4"), name))
        return name

    def normal(self, name, *shape, deviation):
        return self.weight(name, deviation * self.random.standard_normal(shape, "f4"))

    def linear(self, name, value, width, out):
        weight = self.normal(f"{name}.weight", width, out, deviation=DEVIATION)
        bias = self.normal(f"{name}.bias", out, deviation=DEVIATION)
        return self.add("Add", bias, self.add("MatMul", value, weight))

    def layer_normalization(self, name, value, width, decomposed, epsilon=1e-6):
        scale = self.weight(f"{name}.weight", 1 + 0.1 * self.random.standard_normal(width))
        bias = self.normal(f"{name}.bias", width, deviation=DEVIATION)
        return self.normalized(value, scale, bias, decomposed, epsilon)

    def normalized(self, value, scale, bias, decomposed, epsilon):
        if not decomposed:
            return self.add("LayerNormalization", value, scale, bias, axis=-1, epsilon=epsilon)
        centred = self.add("Sub", value, self.add("ReduceMean", value, axes=[-1]))
        square = self.add("Pow", centred, self.constant(2.0))
        variance = self.add("Add", self.add("ReduceMean", square, axes=[-1]), self.constant(epsilon))
        normalized = self.add("Div", centred, self.add("Sqrt", variance))
        return self.add("Add", self.add("Mul", normalized, scale), bias)

    def gelu(self, value):
        error = self.add("Erf", self.add("Div", value, self.constant(2**0.5)))
        product = self.add("Mul", value, self.add("Add", error, self.constant(1.0)))
        return self.add("Mul", product, self.constant(0.5))

    def mlp(self, name, value, width):
        hidden = self.gelu(self.linear(f"{name}.fc1", value, width, 4 * width))
        return self.linear(f"{name}.fc2", hidden, 4 * width, width)

    def dimension(self, value, axis):
        """One dimension of a value, as a one-element vector."""
        gathered = self.add("Gather", self.add("Shape", value), self.constant(axis, "i8"), axis=0)
        return self.add("Unsqueeze", gathered, self.constant([0], "i8"))

    def attention(self, name, value, width, heads, mask=None):
        """Multi-head self-attention over [batch, tokens, width]; the mask is added to the scores."""
        batch, tokens = self.dimension(value, 0), self.dimension(value, 1)
        rest = [self.constant([count], "i8") for count in (heads, width // heads)]
        split = self.add("Concat", batch, tokens, *rest, axis=0)

        def head(part, permutation):
            projected = self.linear(f"{name}.{part}", value, width, width)
            return self.add("Transpose", self.add("Reshape", projected, split), perm=permutation)

        query, keys = head("query", [0, 2, 1, 3]), head("key", [0, 2, 3, 1])
        values = head("value", [0, 2, 1, 3])
        scores = self.add("Div", self.add("MatMul", query, keys), self.constant((width // heads) ** 0.5))
        if mask is not None:
            scores = self.add("Add", scores, mask)
        context = self.add("MatMul", self.add("Softmax", scores, axis=-1), values)
        context = self.add("Transpose", context, perm=[0, 2, 1, 3])
        joined = self.add("Concat", batch, tokens, self.constant([width], "i8"), axis=0)
        return self.linear(f"{name}.output", self.add("Reshape", context, joined), width, width)

    def rename(self, value, name):
        """Calls a result `name`, wherever it is used."""
        for node in self.nodes:
            for values in (node.input, node.output):
                values[:] = [name if value == other else other for other in values]
        return name

    def save(self, path, opset, inputs, outputs, functions=(), imports=()):
        """`inputs` and `outputs` are (name, element type, shape)."""
        information = [[helper.make_tensor_value_info(*value) for value in values] for values in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, self.name, *information, self.initializers)
        opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in imports)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=8, producer_name=self.name, functions=functions)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
