"""Forward passes in NumPy, straight from checkpoints: what exported networks are held against."""

import math

import numpy as np


def linear(weights, name, value):
    return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def normalized(weights, name, value, epsilon=1e-12):
    centred = value - value.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def gelu(value):
    return value * (1 + np.vectorize(math.erf)(value / 2**0.5)) / 2


def embedded(weights, name, feeds):
    ids = feeds["input_ids"]
    total = weights[f"{name}.word_embeddings.weight"][ids] \
        + weights[f"{name}.token_type_embeddings.weight"][feeds["token_type_ids"]] \
        + weights[f"{name}.position_embeddings.weight"][: ids.shape[1]]
    return normalized(weights, f"{name}.LayerNorm", total.astype("f8"))


def layer(weights, value, present, heads, names):
    """A post-norm layer; `names` are those of its query, key, value, output, norm, two of the MLP, and norm."""
    def split(name):
        batch, tokens, width = value.shape
        return linear(weights, name, value).reshape(batch, tokens, heads, width // heads).swapaxes(1, 2)

    query, key, values = map(split, names[:3])
    scores = query @ key.swapaxes(2, 3) / query.shape[-1]**0.5
    scores = np.where(present[:, None, None, :] == 1, scores, -1e9)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    context = (shares / shares.sum(-1, keepdims=True)) @ values
    branch = linear(weights, names[3], context.swapaxes(1, 2).reshape(value.shape))
    value = normalized(weights, names[4], value + branch)
    hidden = gelu(linear(weights, names[5], value))
    return normalized(weights, names[7], value + linear(weights, names[6], hidden))


BERT = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
        "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"]
ALBERT = ["attention.query", "attention.key", "attention.value", "attention.dense", "attention.LayerNorm",
          "ffn", "ffn_output", "full_layer_layer_norm"]


def bert(weights, feeds, heads):
    """The last hidden state."""
    weights = {name.removeprefix("bert."): values for name, values in weights.items()}
    value = embedded(weights, "embeddings", feeds)
    index = 0
    while f"encoder.layer.{index}.output.dense.bias" in weights:
        names = [f"encoder.layer.{index}.{name}" for name in BERT]
        value = layer(weights, value, feeds["attention_mask"], heads, names)
        index += 1
    return value


def albert(weights, feeds, heads, layers):
    """The last hidden state."""
    value = embedded(weights, "albert.embeddings", feeds)
    value = linear(weights, "albert.encoder.embedding_hidden_mapping_in", value)
    names = [f"albert.encoder.albert_layer_groups.0.albert_layers.0.{name}" for name in ALBERT]
    for _ in range(layers):
        value = layer(weights, value, feeds["attention_mask"], heads, names)
    return value


def convolution(weights, name, norm, value, stride, activated=True):
    """'Same' convolution, plain or depthwise, and batch normalisation."""
    kernel = weights[f"{name}.weight"]
    side, extent = value.shape[2], kernel.shape[2]
    count = -(-side // stride)
    padding = max((count - 1) * stride + extent - side, 0)
    value = np.pad(value, [(0, 0), (0, 0), *[(padding // 2, padding - padding // 2)] * 2])
    total = 0
    for row, column in np.ndindex(extent, extent):
        part = value[:, :, row:, column:][:, :, ::stride, ::stride][:, :, :count, :count]
        weight = kernel[:, :, row, column]
        total = total + (part * weight[:, 0, None, None] if weight.shape[1] == 1 else
                         np.einsum("bihw,oi->bohw", part, weight, optimize=True))
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + 1e-3)
    shift = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    total = total * scale[:, None, None] + shift[:, None, None]
    return total.clip(0, 6) if activated else total


def efficientnet(weights, value, strides):
    """The logits; `strides` are those of the blocks."""
    value = convolution(weights, "_conv_stem", "_bn0", value, 2)
    for index, stride in enumerate(strides):
        name, start = f"_blocks.{index}", value
        if f"{name}._expand_conv.weight" in weights:
            value = convolution(weights, f"{name}._expand_conv", f"{name}._bn0", value, 1)
        value = convolution(weights, f"{name}._depthwise_conv", f"{name}._bn1", value, stride)
        value = convolution(weights, f"{name}._project_conv", f"{name}._bn2", value, 1, activated=False)
        if value.shape == start.shape:
            value = value + start
    value = convolution(weights, "_conv_head", "_bn1", value, 1)
    return linear(weights, "_fc", value.mean((2, 3)))
