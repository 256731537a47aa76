#!/usr/bin/env python3
"""Writes a vision transformer with seeded random weights: vit.py OUT.onnx [--size s|b] [--decomposed].

Sixteen-pixel patches of 224×224 pictures, twelve pre-norm layers, a thousand classes, opset 17; nodes
as PyTorch's TorchScript exporter writes them. --decomposed spells layer normalisation out.
"""

import argparse

from onnx import TensorProto

from builder import DEVIATION, Builder

SIZES = {"s": (384, 6), "b": (768, 12)}  # width, heads
LAYERS, SIDE, PATCH, CLASSES = 12, 224, 16, 1000


def build(path, size, decomposed, layers=LAYERS):
    width, heads = SIZES[size]
    builder = Builder(f"vit-{size}-16", seed=16)

    kernel = builder.normal("patches.weight", width, 3, PATCH, PATCH, deviation=(3 * PATCH**2) ** -0.5)
    bias = builder.normal("patches.bias", width, deviation=DEVIATION)
    patches = builder.add("Conv", "pixel_values", kernel, bias, kernel_shape=[PATCH, PATCH],
                          strides=[PATCH, PATCH], pads=[0, 0, 0, 0], dilations=[1, 1], group=1)
    shape = builder.constant([0, width, -1], "i8")
    tokens = builder.add("Transpose", builder.add("Reshape", patches, shape), perm=[0, 2, 1])
    rest = [builder.constant([count], "i8") for count in (1, width)]
    shape = builder.add("Concat", builder.dimension("pixel_values", 0), *rest, axis=0)
    first = builder.add("Expand", builder.normal("class_token", 1, 1, width, deviation=DEVIATION), shape)
    positions = builder.normal("positions", 1, (SIDE // PATCH) ** 2 + 1, width, deviation=DEVIATION)
    hidden = builder.add("Add", builder.add("Concat", first, tokens, axis=1), positions)

    for index in range(layers):
        name = f"layers.{index}"
        normal = builder.layer_normalization(f"{name}.norm1", hidden, width, decomposed)
        hidden = builder.add("Add", builder.attention(f"{name}.attention", normal, width, heads), hidden)
        normal = builder.layer_normalization(f"{name}.norm2", hidden, width, decomposed)
        hidden = builder.add("Add", builder.mlp(f"{name}.mlp", normal, width), hidden)

    normal = builder.layer_normalization("norm", hidden, width, decomposed)
    token = builder.add("Gather", normal, builder.constant(0, "i8"), axis=1)
    weight = builder.normal("head.weight", CLASSES, width, deviation=width**-0.5)
    bias = builder.normal("head.bias", CLASSES, deviation=DEVIATION)
    builder.rename(builder.add("Gemm", token, weight, bias, transB=1), "logits")
    builder.save(path, 17, [("pixel_values", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
                 [("logits", TensorProto.FLOAT, ["batch", CLASSES])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--size", choices=SIZES, default="s")
    parser.add_argument("--decomposed", action="store_true")
    arguments = parser.parse_args()
    build(arguments.out, arguments.size, arguments.decomposed)
