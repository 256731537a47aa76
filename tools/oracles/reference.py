"""What onnxruntime and NumPy say: the figures the program's own are held against."""

import contextlib
import math

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

BATCH = 16


def session(model, threads=0, optimize=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def batches(runner, inputs):
    """Feeds of at most BATCH samples, or of the number that the model fixes, the last then filled up; and
    how many of each are such fillers. The first axis of every input is the samples."""
    ports = runner.get_inputs()
    feeds = {port.name: inputs[port.name] for port in ports}
    count = len(next(iter(feeds.values())))
    fixed = [port.shape[0] for port in ports if port.shape and isinstance(port.shape[0], int)]
    size = fixed[0] if fixed else BATCH
    for start in range(0, count, size):
        rows = np.arange(start, start + size if fixed else min(start + size, count))
        yield ({name: values[np.minimum(rows, count - 1)] for name, values in feeds.items()},
               max(0, start + len(rows) - count))


def run(runner, inputs, names=None):
    """Outputs of a session under their names, all unless `names` says which, over all samples."""
    names = names or [output.name for output in runner.get_outputs()]
    parts = [[value[: len(value) - fillers] for value in runner.run(names, feeds)]
             for feeds, fillers in batches(runner, inputs)]
    return {name: np.concatenate(values) for name, values in zip(names, zip(*parts))}


def outputs(model, inputs):
    """Each output of a model file under its name, over all samples."""
    return run(session(model), inputs)


def relative_error(a, b):
    """‖b − a‖² / ‖a − mean(a)‖², the mean per element over samples; equal outputs have none.

    What is NaN or the same infinity in both is equal, and left out of the scatter.
    """
    a, b = np.asarray(a, "f8"), np.asarray(b, "f8")
    finite, equal = np.isfinite(a), (a == b) | np.isnan(a) & np.isnan(b)
    error = np.square(np.subtract(b, a, out=np.zeros_like(a), where=~equal)).sum()
    mean = np.where(finite, a, 0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    scatter = np.square(np.subtract(a, mean, out=np.zeros_like(a), where=finite)).sum()
    if np.isnan(error):
        return math.inf
    if error == 0 or scatter == 0:
        return 0.0 if error == 0 else math.inf
    return float(error / scatter)


def arrays(path):
    """The arrays of a .safetensors or .npz file, by name."""
    if str(path).endswith(".safetensors"):
        return load_file(path)
    with contextlib.closing(np.load(path)) as file:
        return {name: file[name] for name in file}


def accuracy(model, data):
    """The share of samples whose largest first output is their label."""
    values = arrays(data)
    (first, *_) = outputs(model, values).values()
    return float((first.argmax(axis=1) == values["labels"]).mean())
