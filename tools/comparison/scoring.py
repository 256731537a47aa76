"""Scores a model file on a case's test samples by onnxruntime, each file once."""
import json
from pathlib import Path

import numpy as np
import onnx

import metrics
import places  # noqa: F401
import reference
from store import digest, key, write

# Part of the key of every stored score: raise it when what is stored changes meaning.
VERSION = 2


def output(case, model, inputs, threads=0):
    """The output that is scored, the first unless the case names one, over all samples."""
    runner = reference.session(model, threads)
    name = case.output or runner.get_outputs()[0].name
    return reference.run(runner, inputs, [name])[name]


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


class Scorer:
    """The test samples of one case. Scores are kept below `folder`, under the digests of what was run."""

    def __init__(self, case, folder, threads=0):
        self.case, self.folder, self.threads = case, folder, threads
        self.inputs = reference.arrays(case.test)
        self.labels = self.inputs.get(case.labels)
        if case.labels and self.labels is None:
            raise ValueError(f"{case.test}: has no array '{case.labels}'")
        self.basis = [VERSION, digest(case.model), digest(case.test), case.labels, case.output]
        self._original = None

    def outputs(self, path):
        return output(self.case, path, self.inputs, self.threads)

    def score(self, path):
        """{"parameters", "bytes", "digest", "broken" samples, and every metric}; from the store where it
        is there."""
        identity = digest(path)
        stored = self.folder / f"{key(*self.basis, identity)}.json"
        if stored.exists():
            return json.loads(stored.read_text())
        if self._original is None:
            self._original = self.outputs(self.case.model)
        result = {"digest": identity, "bytes": Path(path).stat().st_size,
                  "parameters": parameter_count(onnx.load(str(path)))}
        outputs = self.outputs(path)
        result |= metrics.all_of(self._original, outputs, self.labels)
        result["broken"] = metrics.broken_samples(self._original, outputs)
        write(stored, json.dumps(result, sort_keys=True))
        return result
