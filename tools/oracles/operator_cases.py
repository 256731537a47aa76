#!/usr/bin/env python3
"""Writes the ONNX backend's node cases as files: operator_cases.py OUT [OPERATOR ...].

Only cases whose operators are all named are written; without names, all are. A case is a folder:

    OUT/CASE/model.onnx
    OUT/CASE/test_data_set_0/input_0.pb ... output_0.pb ...
    OUT/CASE/case.json      {"rtol": 0.001, "atol": 1e-07, "ops": ["Add"]}

OUT/CASES is written last and says what was asked for; when it says the same already, nothing is done.
"""

import json
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

ENCODERS = {
    "tensor_type": lambda value, name: numpy_helper.from_array(np.asarray(value), name),
    "sequence_type": numpy_helper.from_list,
    "map_type": numpy_helper.from_dict,
    "optional_type": numpy_helper.from_optional,
}


def operators(graph):
    """Qualified names of the operators of a graph and of the graphs inside it."""
    names = set()
    for node in graph.node:
        names.add(f"{node.domain}::{node.op_type}" if node.domain else node.op_type)
        for attribute in node.attribute:
            for body in [attribute.g, *attribute.graphs]:
                names |= operators(body)
    return names


def encode(value, info):
    if not hasattr(value, "SerializeToString"):
        value = ENCODERS[info.type.WhichOneof("value")](value, info.name)
    return value.SerializeToString()


def write(case, names, folder):
    graph = case.model.graph
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for index, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{index}"
        data.mkdir()
        for kind, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for position, (value, info) in enumerate(zip(values, infos, strict=True)):
                (data / f"{kind}_{position}.pb").write_bytes(encode(value, info))
    (folder / "case.json").write_text(
        json.dumps({"rtol": case.rtol, "atol": case.atol, "ops": sorted(names)}) + "\n")


def prepare(out, wanted=frozenset()):
    """Writes the cases of the operators `wanted`, of all if there are none, unless they are there."""
    warnings.simplefilter("ignore")
    asked = " ".join(["onnx", onnx.__version__, *sorted(wanted)]) + "\n"
    stamp = out / "CASES"
    if stamp.exists() and stamp.read_text() == asked:
        return
    shutil.rmtree(out, ignore_errors=True)
    count = 0
    for case in load_model_tests(kind="node"):
        names = operators(case.model.graph)
        if not wanted or names <= wanted:
            write(case, names, out / case.name)
            count += 1
    stamp.write_text(asked)
    print(f"{out}  {count} cases")


if __name__ == "__main__":
    prepare(pathlib.Path(sys.argv[1]), set(sys.argv[2:]))
