#!/usr/bin/env python3
"""Writes a trained ALBERT with its head of language modelling as an ONNX model: export_albert.py WEIGHTS OUT.onnx.

Post-norm layers that all use one set of weights, opset 13, layer normalisation spelt out. Width of the
embeddings and of the layers differ. Outputs: last_hidden_state and logits.
"""

import argparse

from onnx import TensorProto

import torch_file
from export_bert import embeddings, layer, mask
from trained import TrainedBuilder

OPSET, LAYERS, HEADS, EPSILON = 13, 12, 8, 1e-12
LAYER = "albert.encoder.albert_layer_groups.0.albert_layers.0."
PARTS = {
    LAYER + "attention.dense": "layer.attention.output",
    LAYER + "attention.LayerNorm": "layer.norm1",
    LAYER + "attention": "layer.attention",
    LAYER + "ffn_output": "layer.mlp.fc2",
    LAYER + "ffn": "layer.mlp.fc1",
    LAYER + "full_layer_layer_norm": "layer.norm2",
    "albert.encoder.embedding_hidden_mapping_in": "embeddings.projection",
    "albert.embeddings.word_embeddings.weight": "embeddings.words",
    "albert.embeddings.position_embeddings.weight": "embeddings.positions",
    "albert.embeddings.token_type_embeddings.weight": "embeddings.types",
    "albert.embeddings.LayerNorm": "embeddings.norm",
    "predictions.dense": "head.dense",
    "predictions.LayerNorm": "head.norm",
    "predictions.decoder": "head.decoder",
}


def read(path):
    """The checkpoint's tensors, under the builder's names."""
    renamed = {}
    for name, values in torch_file.load(path).items():
        old = next((old for old in PARTS if name.startswith(old)), None)
        renamed[name.replace(old, PARTS[old]) if old else name] = values
    return renamed


def build(weights, path):
    builder = TrainedBuilder("albert", weights, anonymous=True)
    width = len(weights["embeddings.projection.bias"])

    def norm(name, value):
        return builder.layer_normalization(name, value, None, True, EPSILON)

    hidden = builder.linear("embeddings.projection", embeddings(builder, norm))
    added = mask(builder)
    for _ in range(LAYERS):
        hidden = layer(builder, "layer.", hidden, added, width, HEADS, norm)
    hidden = builder.rename(hidden, "last_hidden_state")
    value = norm("head.norm", builder.gelu(builder.linear("head.dense", hidden)))
    logits = builder.rename(builder.linear("head.decoder", value), "logits")
    vocabulary = len(weights["head.decoder.bias"])
    names = ["input_ids", "attention_mask", "token_type_ids"]
    builder.save(path, OPSET, [(name, TensorProto.INT64, ["batch", "length"]) for name in names],
                 [(hidden, TensorProto.FLOAT, ["batch", "length", width]),
                  (logits, TensorProto.FLOAT, ["batch", "length", vocabulary])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("out")
    arguments = parser.parse_args()
    build(read(arguments.weights), arguments.out)
