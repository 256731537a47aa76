"""How good a model's outputs are, in double: of the labels, or of the original's outputs.

Each takes the original's output `a`, the other model's `b` and the labels or None, all over the same
samples, and returns a number; HIGHER says which end is good. A model that gives anything that isn't
finite where the original is, is no model to use: each measure of it is the worst there is.
"""
import functools
import math

import numpy as np

import places  # noqa: F401
import reference

HIGHER = {"accuracy": True, "top1": True, "cosine": True, "relative_error": False}


def broken_samples(a, b):
    """How many samples have a value that isn't finite where the original's is."""
    broken = np.isfinite(a) & ~np.isfinite(b)
    return int(broken.reshape(len(broken), -1).any(1).sum())


def finite_or(worst):
    """A measure that is `worst` where any sample is broken."""
    def guarding(measure):
        @functools.wraps(measure)
        def guarded(a, b, labels):
            return worst if broken_samples(a, b) else measure(a, b, labels)
        return guarded
    return guarding


def _rows(values):
    return np.asarray(values, "f8").reshape(-1, values.shape[-1])


def _counted(labels, rows):
    """One class per row, and which rows count: those whose class is not negative."""
    classes = np.asarray(labels).reshape(-1)
    if len(classes) != rows:
        raise ValueError(f"expected {rows} labels, one per row of the output, got {len(classes)}")
    return classes, classes >= 0


@finite_or(0.0)
def accuracy(a, b, labels):
    """The share of labelled rows whose largest value is at their class; rows with NaN have none."""
    if labels is None:
        raise ValueError("accuracy needs labels")
    rows = _rows(b)
    classes, counted = _counted(labels, len(rows))
    right = (rows.argmax(1) == classes) & ~np.isnan(rows).any(1)
    return float(right[counted].mean())


@finite_or(0.0)
def top1(a, b, labels):
    """The share of rows, of the labelled ones where there are labels, whose largest value stays."""
    x, y = _rows(a), _rows(b)
    same = x.argmax(1) == y.argmax(1)
    if labels is not None and np.size(labels) == len(x):
        same = same[_counted(labels, len(x))[1]]
    return float(same.mean())


@finite_or(-1.0)
def cosine(a, b, labels):
    """The mean over rows of the cosine; two rows of zeros are alike, one is not."""
    x, y = _rows(a), _rows(b)
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    dots = (x * y).sum(1)
    alike = np.where((x == 0).all(1) & (y == 0).all(1), 1.0, 0.0)
    return float(np.where(norms > 0, dots / np.where(norms > 0, norms, 1), alike).mean())


@finite_or(math.inf)
def relative_error(a, b, labels):
    """‖b − a‖² / ‖a − mean(a)‖², the mean per element over samples."""
    return reference.relative_error(a, b)


MEASURES = {"accuracy": accuracy, "top1": top1, "cosine": cosine, "relative_error": relative_error}


def all_of(a, b, labels):
    """Every measure that can be taken, by name: to what isn't finite itself, no output can be held."""
    if a.shape != b.shape:
        raise ValueError(f"expected an output of shape {a.shape}, got {b.shape}")
    names = list(MEASURES) if np.isfinite(a).all() else ["accuracy"]
    if labels is None:
        names = [name for name in names if name != "accuracy"]
    if a.ndim < 2:
        names = [name for name in names if name == "relative_error"]
    return {name: MEASURES[name](a, b, labels) for name in names}


def guard_loss(metric, a, b, labels):
    """What the program's guard takes for lost, by the name it has there."""
    if metric == "accuracy-drop":
        return max(accuracy(a, a, labels) - accuracy(a, b, labels), 0)
    if metric == "top1-disagreement":
        return 1 - top1(a, b, None)
    return relative_error(a, b, None)
