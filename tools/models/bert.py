#!/usr/bin/env python3
"""Writes a BERT encoder with seeded random weights: bert.py OUT.onnx [--layers N].

Twelve post-norm layers 768 wide, layer normalisation decomposed, batch and length symbolic, opset 14.
"""

import argparse

from onnx import TensorProto

from builder import DEVIATION, Builder

WIDTH, HEADS, VOCABULARY, POSITIONS = 768, 12, 30522, 512
EPSILON = 1e-12


def build(path, layers):
    builder = Builder("bert", seed=14)

    def table(name, rows):
        return builder.normal(f"embeddings.{name}", rows, WIDTH, deviation=DEVIATION)

    words = builder.add("Gather", table("words", VOCABULARY), "input_ids", axis=0)
    types = builder.add("Gather", table("types", 2), "token_type_ids", axis=0)
    length = builder.dimension("input_ids", 1)
    zero, one = builder.constant([0], "i8"), builder.constant([1], "i8")
    positions = builder.add("Slice", table("positions", POSITIONS), zero, length, zero, one)
    hidden = builder.add("Add", builder.add("Add", words, types), positions)
    hidden = builder.layer_normalization("embeddings.norm", hidden, WIDTH, True, EPSILON)

    present = builder.add("Unsqueeze", "attention_mask", builder.constant([1, 2], "i8"))
    present = builder.add("Cast", present, to=TensorProto.FLOAT)
    absent = builder.add("Sub", builder.constant(1.0), present)
    mask = builder.add("Mul", absent, builder.constant(-10000.0))

    for index in range(layers):
        name = f"layers.{index}"
        branch = builder.attention(f"{name}.attention", hidden, WIDTH, HEADS, mask)
        total = builder.add("Add", branch, hidden)
        hidden = builder.layer_normalization(f"{name}.norm1", total, WIDTH, True, EPSILON)
        total = builder.add("Add", builder.mlp(f"{name}.mlp", hidden, WIDTH), hidden)
        hidden = builder.layer_normalization(f"{name}.norm2", total, WIDTH, True, EPSILON)

    names = ["input_ids", "attention_mask", "token_type_ids"]
    builder.rename(hidden, "last_hidden_state")
    builder.save(path, 14, [(name, TensorProto.INT64, ["batch", "length"]) for name in names],
                 [("last_hidden_state", TensorProto.FLOAT, ["batch", "length", WIDTH])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--layers", type=int, default=12)
    arguments = parser.parse_args()
    build(arguments.out, arguments.layers)
