#!/usr/bin/env python3
"""Writes a trained BERT as an ONNX model: export_bert.py WEIGHTS OUT.onnx --heads N [--form FORM].

WEIGHTS is a .safetensors file or a PyTorch checkpoint. The forms are those exporters leave:

    decomposed   opset 14, layer normalisation spelt out, anonymous matrices
    operator     opset 17, layer normalisation as one operator
    functions    opset 17, every layer a call of one local function, which calls others

Outputs: last_hidden_state; pooler_output or, with the head of language modelling, logits.
"""

import argparse

from onnx import AttributeProto, TensorProto
from safetensors.numpy import load_file

import torch_file
from trained import DOMAIN, FunctionBuilder, TrainedBuilder

EPSILON = 1e-12
OPSETS = {"decomposed": 14, "operator": 17, "functions": 17}
PARTS = {
    "embeddings.word_embeddings.weight": "embeddings.words",
    "embeddings.position_embeddings.weight": "embeddings.positions",
    "embeddings.token_type_embeddings.weight": "embeddings.types",
    "embeddings.LayerNorm": "embeddings.norm",
    "encoder.layer": "layers",
    "attention.self": "attention",
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "output.LayerNorm": "norm2",
    "pooler.dense": "pooler",
    "cls.predictions.transform.dense": "head.dense",
    "cls.predictions.transform.LayerNorm": "head.norm",
    "cls.predictions.decoder.weight": "head.decoder.weight",
    "cls.predictions.bias": "head.decoder.bias",
}


def read(path):
    """The checkpoint's tensors, under the builder's names."""
    weights = load_file(path) if str(path).endswith(".safetensors") else torch_file.load(path)
    renamed = {}
    for name, values in weights.items():
        name = name.removeprefix("bert.")
        for old, new in sorted(PARTS.items(), key=lambda part: -len(part[0])):
            name = name.replace(old, new)
        renamed[name] = values
    return renamed


def embeddings(builder, norm):
    """Words, types and positions, summed and normalised by `norm`."""
    words = builder.add("Gather", builder.weight("embeddings.words"), "input_ids", axis=0)
    types = builder.add("Gather", builder.weight("embeddings.types"), "token_type_ids", axis=0)
    table = builder.weight("embeddings.positions")
    numbers, zero = builder.constant([range(len(builder.weights["embeddings.positions"]))], "i8"), [0]
    bounds = [builder.constant(zero, "i8"), builder.dimension("input_ids", 1)]
    steps = [builder.constant([1], "i8"), builder.constant([1], "i8")]
    positions = builder.add("Gather", table, builder.add("Slice", numbers, *bounds, *steps), axis=0)
    return norm("embeddings.norm", builder.add("Add", builder.add("Add", words, types), positions))


def mask(builder):
    """What is added to the scores: 0 where there is a token, -10000 where there is none."""
    present = builder.add("Unsqueeze", "attention_mask", builder.constant([1], "i8"))
    present = builder.add("Unsqueeze", present, builder.constant([2], "i8"))
    absent = builder.add("Sub", builder.constant(1.0), builder.add("Cast", present, to=TensorProto.FLOAT))
    return builder.add("Mul", absent, builder.constant(-10000.0))


def layer(builder, name, hidden, mask, width, heads, norm):
    """A post-norm layer; its weights' names begin with `name`."""
    branch = builder.attention(f"{name}attention", hidden, width, heads, mask)
    hidden = norm(f"{name}norm1", builder.add("Add", branch, hidden))
    return norm(f"{name}norm2", builder.add("Add", builder.mlp(f"{name}mlp", hidden, width), hidden))


def local_functions(width, heads):
    """A layer and the layer normalisation it calls twice; epsilon is an attribute of the latter."""
    inner = FunctionBuilder("LayerNorm", ["value", "weight", "bias"])
    result = inner.add("LayerNormalization", *inner.inputs, axis=-1)
    inner.nodes[-1].attribute.add(name="epsilon", type=AttributeProto.FLOAT, ref_attr_name="epsilon")
    norm = inner.function(result, OPSETS["functions"], ["epsilon"])

    outer = FunctionBuilder("BertLayer", ["hidden", "mask"])

    def call(name, value):
        weights = [outer.weight(f"{name}.{part}") for part in ("weight", "bias")]
        return outer.add(norm.name, value, *weights, domain=DOMAIN, epsilon=EPSILON)

    result = layer(outer, "", "hidden", "mask", width, heads, call)
    return outer.function(result, OPSETS["functions"]), norm


def build(weights, path, heads, form):
    builder = TrainedBuilder("bert", weights, anonymous=form == "decomposed")
    width = weights["embeddings.words"].shape[1]
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
    functions = local_functions(width, heads) if form == "functions" else ()

    def norm(name, value):
        return builder.layer_normalization(name, value, width, form == "decomposed", EPSILON)

    hidden, added = embeddings(builder, norm), mask(builder)
    for index in range(layers):
        name = f"layers.{index}."
        if functions:
            keys = [name + key for key in functions[0].input[2:]]
            given = [builder.weight(key, weights[key].T) for key in keys]
            hidden = builder.add(functions[0].name, hidden, added, *given, domain=DOMAIN)
        else:
            hidden = layer(builder, name, hidden, added, width, heads, norm)
    hidden = builder.rename(hidden, "last_hidden_state")
    outputs = [(hidden, ["batch", "length", width])]
    if "head.dense.weight" in weights:
        value = norm("head.norm", builder.gelu(builder.linear("head.dense", hidden)))
        logits = builder.rename(builder.linear("head.decoder", value), "logits")
        outputs.append((logits, ["batch", "length", len(weights["head.decoder.bias"])]))
    else:
        first = builder.add("Gather", hidden, builder.constant(0, "i8"), axis=1)
        matrix = builder.weight("pooler.weight")
        pooled = builder.add("Gemm", first, matrix, builder.weight("pooler.bias"), transB=1)
        outputs.append((builder.rename(builder.add("Tanh", pooled), "pooler_output"), ["batch", width]))
    names = ["input_ids", "attention_mask", "token_type_ids"]
    builder.save(path, OPSETS[form], [(name, TensorProto.INT64, ["batch", "length"]) for name in names],
                 [(name, TensorProto.FLOAT, shape) for name, shape in outputs], functions,
                 [DOMAIN] if functions else [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("out")
    parser.add_argument("--heads", type=int, required=True)
    parser.add_argument("--form", choices=OPSETS, default="decomposed")
    arguments = parser.parse_args()
    build(read(arguments.weights), arguments.out, arguments.heads, arguments.form)
