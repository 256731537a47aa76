#!/usr/bin/env python3
"""Writes the trained EfficientNet-Lite0 as an ONNX model: export_efficientnet.py WEIGHTS OUT.onnx.

Opset 13; batch normalisation folded into the convolutions, padding its own node wherever it is not zero:
what PyTorch's TorchScript exporter makes of the network whose weights these are. Output: logits.
"""

import argparse

import numpy as np
from onnx import TensorProto

import torch_file
from trained import TrainedBuilder

OPSET, SIDE, CLASSES, EPSILON = 13, 224, 1000, 1e-3
# Repeats, side of the depthwise kernels, and stride of the first of each stage.
STAGES = [(1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1)]


class Network(TrainedBuilder):
    def convolution(self, name, norm, value, side, stride=1, activated=True):
        """'Same' convolution of a picture `side` pixels wide and high; the norm is folded into the kernel."""
        kernel = self.weights[f"{name}.weight"]
        statistics = ("weight", "bias", "running_mean", "running_var")
        scale, bias, mean, variance = (self.weights[f"{norm}.{part}"] for part in statistics)
        scale = scale / np.sqrt(variance + EPSILON)
        extent = kernel.shape[2]
        padding = max((-(-side // stride) - 1) * stride + extent - side, 0)
        if padding > 0:
            before, after = padding // 2, padding - padding // 2
            pads = self.constant([0, 0, before, before, 0, 0, after, after], "i8")
            value = self.add("Pad", value, pads, self.constant(0.0), mode="constant")
        weight = self.weight(f"onnx::Conv_{len(self.initializers)}", kernel * scale[:, None, None, None])
        shift = self.weight(f"onnx::Conv_{len(self.initializers)}", bias - mean * scale)
        group = kernel.shape[0] if kernel.shape[1] == 1 else 1
        value = self.add("Conv", value, weight, shift, kernel_shape=[extent, extent], group=group,
                         strides=[stride, stride], pads=[0, 0, 0, 0], dilations=[1, 1])
        return self.add("Clip", value, self.constant(0.0), self.constant(6.0)) if activated else value


def build(weights, path):
    builder = Network("efficientnet-lite0", weights)
    side = SIDE // 2
    value = builder.convolution("_conv_stem", "_bn0", "pixel_values", SIDE, 2)
    index = 0
    for repeats, extent, first in STAGES:
        for stride in [first] + [1] * (repeats - 1):
            name, start = f"_blocks.{index}", value
            assert weights[f"{name}._depthwise_conv.weight"].shape[2] == extent
            if index > 0:
                value = builder.convolution(f"{name}._expand_conv", f"{name}._bn0", value, side)
            value = builder.convolution(f"{name}._depthwise_conv", f"{name}._bn1", value, side, stride)
            side = -(-side // stride)
            value = builder.convolution(f"{name}._project_conv", f"{name}._bn2", value, side, activated=False)
            widths = (weights[f"{name}._project_conv.weight"].shape[0],
                      weights[f"{name}._depthwise_conv.weight"].shape[0] // (6 if index else 1))
            if stride == 1 and widths[0] == widths[1]:
                value = builder.add("Add", value, start)
            index += 1
    value = builder.convolution("_conv_head", "_bn1", value, side)
    value = builder.add("Flatten", builder.add("GlobalAveragePool", value), axis=1)
    logits = builder.add("Gemm", value, builder.weight("_fc.weight"), builder.weight("_fc.bias"), transB=1)
    builder.save(path, OPSET, [("pixel_values", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
                 [(builder.rename(logits, "logits"), TensorProto.FLOAT, ["batch", CLASSES])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("out")
    arguments = parser.parse_args()
    build(torch_file.load(arguments.weights), arguments.out)
