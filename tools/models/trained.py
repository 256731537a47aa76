"""Builds networks out of the weights of a checkpoint."""

from onnx import helper

from builder import Builder

DOMAIN = "pkg.transformers"


class TrainedBuilder(Builder):
    """A builder whose weights have values already, by name; a weight used twice is one initializer.

    `anonymous` names matrices `onnx::MatMul_N`, as the TorchScript exporter does when it has transposed them.
    """

    def __init__(self, name, weights, anonymous=False):
        super().__init__(name, seed=0)
        self.weights, self.anonymous, self.stored = weights, anonymous, {}

    def weight(self, name, values=None):
        if name not in self.stored:
            values = self.weights[name] if values is None else values
            matrix = self.anonymous and values.ndim == 2 and name.endswith(".weight")
            label = f"onnx::MatMul_{1000 + len(self.initializers)}" if matrix else name
            self.stored[name] = super().weight(label, values)
        return self.stored[name]

    def linear(self, name, value, *_):
        """A linear map, whose matrix the checkpoint holds as [out, in]."""
        key = f"{name}.weight"
        matrix = self.weight(key, self.weights[key].T)
        return self.add("Add", self.weight(f"{name}.bias"), self.add("MatMul", value, matrix))

    def layer_normalization(self, name, value, width, decomposed, epsilon):
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.normalized(value, scale, bias, decomposed, epsilon)


class FunctionBuilder(TrainedBuilder):
    """Builds the body of a local function; the weights it uses become its inputs, after `inputs`."""

    def __init__(self, name, inputs):
        super().__init__(name, weights=None)
        self.inputs = list(inputs)

    def weight(self, name, values=None):
        if name not in self.inputs:
            self.inputs.append(name)
        return name

    def linear(self, name, value, *_):
        matrix, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("Add", bias, self.add("MatMul", value, matrix))

    def function(self, result, opset, attributes=()):
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_function(DOMAIN, self.name, self.inputs, [result], self.nodes, opsets, attributes)
