"""Scores a model file on a case's test samples by onnxruntime, each file once."""
import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

import metrics

# Part of the key of every stored score: raise it when what is stored changes meaning.
VERSION = 1
BATCH = 16


def digest(path):
    result = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            result.update(block)
    return result.hexdigest()


def key(*parts):
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def write(path, text):
    """The file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(name, path)


def arrays(path):
    """The arrays of a .safetensors or .npz file, by name."""
    if str(path).endswith(".safetensors"):
        return load_file(path)
    with contextlib.closing(np.load(path)) as file:
        return {name: file[name] for name in file}


def parameter_count(model):
    """Elements of initializers and Constant tensors, inner graphs and functions included."""
    def of_nodes(nodes):
        total = 0
        for node in nodes:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    total += of_graph(attribute.g)
                elif attribute.type == onnx.AttributeProto.GRAPHS:
                    total += sum(map(of_graph, attribute.graphs))
                elif node.op_type == "Constant" and attribute.name == "value":
                    total += int(np.prod(attribute.t.dims))
        return total

    def of_graph(graph):
        stored = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
        return stored + of_nodes(graph.node)

    return of_graph(model.graph) + sum(of_nodes(function.node) for function in model.functions)


def batches(session, inputs):
    """Feeds of at most BATCH samples, or of the number the model fixes, the last filled up; with how
    many of each are samples."""
    ports = session.get_inputs()
    feeds = {port.name: inputs[port.name] for port in ports}
    count = len(next(iter(feeds.values())))
    fixed = [port.shape[0] for port in ports if port.shape and isinstance(port.shape[0], int)]
    size = fixed[0] if fixed else BATCH
    for start in range(0, count, size):
        rows = np.arange(start, start + size if fixed else min(start + size, count))
        yield ({name: values[np.minimum(rows, count - 1)] for name, values in feeds.items()},
               min(size, count - start))


class Scorer:
    """The test samples of one case. Scores are kept below `folder`, under the digests of what was run."""

    def __init__(self, case, folder, threads=0):
        self.case, self.folder, self.threads = case, folder, threads
        self.inputs = arrays(case.test)
        self.labels = self.inputs.get(case.labels) if case.labels else None
        if case.labels and self.labels is None:
            raise ValueError(f"{case.test}: has no array '{case.labels}'")
        self.basis = [VERSION, digest(case.model), digest(case.test), case.labels, case.output]
        self._original = None

    def outputs(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        name = self.case.output or session.get_outputs()[0].name
        parts = [session.run([name], feeds)[0][:count] for feeds, count in
                 batches(session, self.inputs)]
        return np.concatenate(parts)

    def score(self, path):
        """{"parameters", "bytes", "digest", and every metric}; from the store where it is there."""
        identity = digest(path)
        stored = self.folder / f"{key(*self.basis, identity)}.json"
        if stored.exists():
            return json.loads(stored.read_text())
        if self._original is None:
            self._original = self.outputs(self.case.model)
        result = {"digest": identity, "bytes": Path(path).stat().st_size,
                  "parameters": parameter_count(onnx.load(str(path)))}
        result |= metrics.all_of(self._original, self.outputs(path), self.labels)
        write(stored, json.dumps(result, sort_keys=True))
        return result
