"""How good a smaller model's outputs are, next to the original's or to labels."""

import numpy as np

import sources  # noqa: F401  for its paths
import reference


def cosine(a, b):
    """The mean over all vectors along the last axis."""
    a, b = a.astype("f8"), b.astype("f8")
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return float(((a * b).sum(-1) / np.maximum(lengths, 1e-300)).mean())


def agreement(a, b):
    """The share of samples whose largest value is in the same place."""
    return float((a.argmax(-1) == b.argmax(-1)).mean())


def accuracy(values, labels):
    return float((values.argmax(-1) == labels).mean())


def of(expected, got, labels=None):
    """Every figure that applies, by name."""
    result = {"relative error": reference.relative_error(expected, got), "cosine": cosine(expected, got)}
    if expected.ndim == 3:
        result["cosine of first token"] = cosine(expected[:, 0], got[:, 0])
    if expected.ndim == 2:
        result["top-1 agreement"] = agreement(expected, got)
    if labels is not None:
        result["accuracy"] = accuracy(got, labels)
    return result


def output(model, inputs, name=None):
    """One output, the first unless it is named, over all samples."""
    values = reference.outputs(model, inputs)
    return values[name] if name else next(iter(values.values()))
