#!/usr/bin/env python3
"""Writes a ResNet-50 with seeded random weights: resnet50.py OUT.onnx [--opset N].

Batch normalisation stays its own node, as exporters of opset 9 leave it.
"""

import argparse

import numpy as np
from onnx import TensorProto

from builder import Builder

STAGES = [(3, 64), (4, 128), (6, 256), (3, 512)]  # blocks, channels inside a block
EXPANSION, CLASSES = 4, 1000


def convolution(builder, name, value, inputs, outputs, side, stride=1, gain=1.0):
    """Convolution and batch normalisation, which scales the result by about `gain`."""
    kernel = builder.normal(
        f"{name}.conv.weight", outputs, inputs, side, side, deviation=(2 / (inputs * side**2)) ** 0.5)
    value = builder.add("Conv", value, kernel, kernel_shape=[side, side], strides=[stride, stride],
                        pads=[side // 2] * 4, dilations=[1, 1], group=1)
    random = builder.random
    parameters = {
        "weight": gain * random.uniform(0.8, 1.2, outputs),
        "bias": 0.1 * random.standard_normal(outputs),
        "mean": 0.1 * random.standard_normal(outputs),
        "variance": random.uniform(0.8, 1.2, outputs),
    }
    weights = [builder.weight(f"{name}.norm.{key}", values) for key, values in parameters.items()]
    return builder.add("BatchNormalization", value, *weights, epsilon=1e-5, momentum=0.9)


def bottleneck(builder, name, value, inputs, channels, stride):
    outputs = EXPANSION * channels
    branch = builder.add("Relu", convolution(builder, f"{name}.1", value, inputs, channels, 1))
    branch = builder.add("Relu", convolution(builder, f"{name}.2", branch, channels, channels, 3, stride))
    # A small last scale keeps the sum of sixteen branches from growing.
    branch = convolution(builder, f"{name}.3", branch, channels, outputs, 1, gain=0.3)
    if inputs != outputs:
        value = convolution(builder, f"{name}.skip", value, inputs, outputs, 1, stride, gain=0.7)
    return builder.add("Relu", builder.add("Add", branch, value))


def build(path, opset):
    builder = Builder("resnet50", seed=50)
    value = builder.add("Relu", convolution(builder, "stem", "pixel_values", 3, 64, 7, 2))
    value = builder.add("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inputs = 64
    for stage, (blocks, channels) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            value = bottleneck(builder, f"stage{stage}.{block}", value, inputs, channels, stride)
            inputs = EXPANSION * channels
    value = builder.add("Flatten", builder.add("GlobalAveragePool", value), axis=1)
    weight = builder.weight("head.weight", builder.random.standard_normal((CLASSES, inputs)) * inputs**-0.5)
    bias = builder.weight("head.bias", np.zeros(CLASSES))
    builder.rename(builder.add("Gemm", value, weight, bias, transB=1), "logits")
    builder.save(path, opset, [("pixel_values", TensorProto.FLOAT, ["batch", 3, 224, 224])],
                 [("logits", TensorProto.FLOAT, ["batch", CLASSES])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--opset", type=int, default=9)
    arguments = parser.parse_args()
    build(arguments.out, arguments.opset)
