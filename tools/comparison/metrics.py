"""How good a model's outputs are, in double: of the labels, or of the original's outputs.

Each takes the original's output `a`, the other model's `b` and the labels or None, all over the same
samples, and returns a number; HIGHER says which end is good.
"""
import numpy as np

import places  # noqa: F401
import reference

HIGHER = {"accuracy": True, "top1": True, "cosine": True, "relative_error": False}


def _rows(values):
    return np.asarray(values, "f8").reshape(-1, values.shape[-1])


def _counted(labels, rows):
    """One class per row, and which rows count: those whose class is not negative."""
    classes = np.asarray(labels).reshape(-1)
    if len(classes) != rows:
        raise ValueError(f"expected {rows} labels, one per row of the output, got {len(classes)}")
    return classes, classes >= 0


def accuracy(a, b, labels):
    """The share of labelled rows whose largest value is at their class."""
    if labels is None:
        raise ValueError("accuracy needs labels")
    rows = _rows(b)
    classes, counted = _counted(labels, len(rows))
    return float((rows.argmax(1) == classes)[counted].mean())


def top1(a, b, labels):
    """The share of rows, of the labelled ones where there are labels, whose largest value stays."""
    x, y = _rows(a), _rows(b)
    same = x.argmax(1) == y.argmax(1)
    if labels is not None and np.size(labels) == len(x):
        same = same[_counted(labels, len(x))[1]]
    return float(same.mean())


def cosine(a, b, labels):
    """The mean over rows of the cosine; two rows of zeros are alike, one is not."""
    x, y = _rows(a), _rows(b)
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    dots = (x * y).sum(1)
    alike = np.where((x == 0).all(1) & (y == 0).all(1), 1.0, 0.0)
    return float(np.where(norms > 0, dots / np.where(norms > 0, norms, 1), alike).mean())


def relative_error(a, b, labels):
    """‖b − a‖² / ‖a − mean(a)‖², the mean per element over samples."""
    return reference.relative_error(a, b)


MEASURES = {"accuracy": accuracy, "top1": top1, "cosine": cosine, "relative_error": relative_error}


def all_of(a, b, labels):
    """Every measure that can be taken, by name."""
    if a.shape != b.shape:
        raise ValueError(f"expected an output of shape {a.shape}, got {b.shape}")
    if not np.isfinite(b).all():
        b = np.nan_to_num(np.asarray(b, "f8"), nan=0, posinf=0, neginf=0)
    result = {}
    for name, measure in MEASURES.items():
        if name == "accuracy" and labels is None or a.ndim < 2 and name != "relative_error":
            continue
        result[name] = measure(a, b, labels)
    return result


def guard_loss(metric, a, b, labels):
    """What the program's guard takes for lost, by the name it has there."""
    if metric == "accuracy-drop":
        return max(accuracy(a, a, labels) - accuracy(a, b, labels), 0)
    if metric == "top1-disagreement":
        return 1 - top1(a, b, None)
    return relative_error(a, b, None)
