"""What onnxruntime and NumPy say: the figures the program's own are held against."""

import contextlib

import numpy as np
import onnxruntime
from safetensors.numpy import load_file


def session(model, threads=0, optimize=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def outputs(model, inputs, batch=16):
    """Each output under its name, over all samples; the first axis of every input is the samples."""
    runner = session(model)
    names = [output.name for output in runner.get_outputs()]
    feeds = {value.name: inputs[value.name] for value in runner.get_inputs()}
    count = len(next(iter(feeds.values())))
    parts = [runner.run(names, {name: value[start : start + batch] for name, value in feeds.items()})
             for start in range(0, count, batch)]
    return {name: np.concatenate(values) for name, values in zip(names, zip(*parts))}


def relative_error(a, b):
    """‖b − a‖² / ‖a − mean(a)‖², the mean per element over samples."""
    a, b = a.astype("f8"), b.astype("f8")
    return float(np.square(b - a).sum() / np.square(a - a.mean(axis=0)).sum())


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
