"""Inputs the program must refuse, each in one clear line and without leaving a file."""

import os
import pathlib
import re

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image
from safetensors.numpy import save_file

# A run on these small inputs ends within seconds or hangs.
LIMIT = 60


def model(nodes, initializers=(), imports=()):
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 8]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", value[:1], value[1:], list(initializers))
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(name, 1) for name in imports)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def without_residuals():
    weight = onnx.numpy_helper.from_array(np.eye(8, dtype="f4"), "w")
    return model([helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])],
                 [weight])


def with_foreign_operators():
    domain = "example.org"
    return model([helper.make_node("Whirl", ["x"], ["a"], domain=domain),
                  helper.make_node("Whirl", ["a"], ["b"], domain=domain),
                  helper.make_node("Twist", ["b"], ["y"], domain=domain)], imports=[domain])


def cases(sample, pictures, folder):
    """(name, arguments before the options, exit statuses, words the message must have)."""
    original = sample.read_bytes()

    def written(name, data):
        path = folder / name
        path.write_bytes(data)
        return path

    def saved(name, proto):
        return written(name, proto.SerializeToString())

    def calibration(name, values, key="pixel_values"):
        path = folder / f"{name}.safetensors"
        save_file({key: values}, path)
        return path

    out = folder / "out" / "smaller.onnx"
    picture = folder / "picture.png"
    Image.new("RGB", (16, 16)).save(picture)
    flat = calibration("flat", np.zeros((8, 8), "f4"), "x")
    nan = pictures[:32].copy()
    nan[3, 0, 5, 5] = np.nan
    good = calibration("good", pictures[:32])
    (folder / "folder").mkdir()
    (folder / "folder.onnx").mkdir()
    existing = folder / "file"
    existing.write_bytes(b"")

    yield "no such model", (folder / "absent.onnx", out, good), {66}, ["absent.onnx"]
    yield "a folder as model", (folder / "folder", out, good), {65, 66}, ["folder"]
    yield "empty model", (written("empty.onnx", b""), out, good), {65}, ["empty.onnx"]
    half = written("half.onnx", original[: len(original) // 2])
    yield "truncated model", (half, out, good), {65}, ["half.onnx"]
    yield "a picture as model", (picture, out, good), {65}, ["picture.png"]
    yield "no such calibration", (sample, out, folder / "absent.npz"), {66}, ["absent.npz"]
    yield "wrong shape", (sample, out, calibration("shape", pictures[:32, :, :14])), {65}, \
        ["pixel_values", "14"]
    yield "wrong type", (sample, out, calibration("type", pictures[:32].astype("i8"))), {65}, \
        ["pixel_values", "int64"]
    yield "wrong name", (sample, out, calibration("name", pictures[:32], "pictures")), {65}, \
        ["pictures|pixel_values"]
    yield "no samples", (sample, out, calibration("none", pictures[:0])), {65}, ["sample|empty|0"]
    yield "one sample", (sample, out, calibration("one", pictures[:1])), {65}, ["sample"]
    yield "NaN in calibration", (sample, out, calibration("nan", nan)), {65}, ["pixel_values", "(?i)nan|finite"]
    yield "no output folder", (sample, folder / "absent" / "out.onnx", good), {73}, ["absent"]
    yield "a file as output folder", (sample, existing / "out.onnx", good), {73}, ["file"]
    yield "an output of another kind", (sample, folder / "out.npy", good), {64}, ["out.npy"]
    yield "a folder as output", (sample, folder / "folder.onnx", good), {73}, ["folder"]
    yield "foreign operators", (saved("foreign.onnx", with_foreign_operators()), out, flat), {65}, \
        ["Whirl", "Twist"]
    yield "no residual stream", (saved("plain.onnx", without_residuals()), out, flat), {1}, ["residual"]


def check(program, checks, sample, pictures, folder):
    (folder / "out").mkdir(parents=True)
    for name, (source, out, data), statuses, words in cases(sample, pictures, folder):
        before = listing(folder)
        outcome = program(
            source, out, "--calibration", data, "--auto-threshold", "--force", timeout=LIMIT)
        complaint = fault(outcome, statuses, words) or (
            "left files: " + ", ".join(sorted(listing(folder) - before))
            if listing(folder) != before else None)
        asked = "exit " + " or ".join(map(str, sorted(statuses)))
        checks.row("refusals", name, f"exit {outcome.status}", complaint or asked, complaint is None)


def listing(folder):
    return {os.path.relpath(pathlib.Path(parent) / name, folder)
            for parent, folders, files in os.walk(folder) for name in folders + files}


def fault(outcome, statuses, words):
    """What is wrong with the way an input was refused, or None."""
    if outcome.status not in statuses:
        return f"expected exit {sorted(statuses)}: {outcome.stderr.strip()[:300]}"
    if outcome.stdout:
        return f"wrote to standard output: {outcome.stdout[:100]!r}"
    lines = outcome.stderr.splitlines()
    errors = [line for line in lines if line.startswith("rba-convert: error: ")]
    others = [line for line in lines if line not in errors and not re.match(r"\s*note: ", line)]
    if len(errors) != 1 or others:
        return f"expected one error line, got {lines[:4]}"
    for word in words:
        if not re.search(word, outcome.stderr):
            return f"'{word}' is not in: {outcome.stderr.strip()[:200]}"
    return None
