#!/usr/bin/env python3
"""Holds the built program to its memory budget on models beyond 2 GB: large_models.py PROGRAM [SIZE].

Generates, in a temporary folder, a 3 GB transformer with external data and one of 2.5 GB in a single
message; inspects, copies, converts and verifies both; has onnxruntime load and run the first and what
became of it. Prints times and peaks, and exits 1 if a row fails. Needs 12 GB of disk, 8 GB of memory
for onnxruntime, and about half an hour. SIZE, a fraction such as 0.05, makes both smaller to try the
script itself.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

from program import Checks

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "models"))
import large

# Name, width, layers, file of the weights.
MODELS = [("external data", 1600, 24, "external.weights"), ("one message", 1024, 50, None)]
SAMPLES, TOKENS = 48, 16
MEGABYTE = 1 << 20
# Beside the mapped weights: what the budget gives any conversion, the moments at their default
# allowance, and the arenas of two workers.
BESIDE, MOMENTS, ARENAS = 300 * MEGABYTE, 256 * MEGABYTE, 64 * MEGABYTE
# A verb that runs nothing holds neither moments nor arenas.
READING = 100 * MEGABYTE
MOST_DAMAGE = 0.05
LARGEST_MESSAGE = 2**31 - 1


class Run:
    """A run of the program, and the most memory it held of each kind, in bytes."""

    def __init__(self, *command):
        start = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
            self.peaks = {"VmHWM": 0, "RssAnon": 0, "RssFile": 0}
            while process.poll() is None:
                self.sample(process.pid)
                time.sleep(0.01)
            self.seconds = time.monotonic() - start
            self.status = process.returncode
            out.seek(0)
            errors.seek(0)
            self.stdout, self.stderr = out.read().decode(), errors.read().decode()

    def sample(self, process):
        try:
            lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return
        for line in lines:
            key, _, value = line.partition(":")
            if key in self.peaks:
                self.peaks[key] = max(self.peaks[key], int(value.split()[0]) * 1024)

    @property
    def figures(self):
        sizes = ", ".join(f"{key} {value // MEGABYTE} MB" for key, value in self.peaks.items())
        return f"{self.seconds:.1f} s, {sizes}"


def check(checks, subject, verb, run, anonymous, weights):
    """One row for the run's status and one for its memory; whether it ended well."""
    if not checks.status(subject, f"{verb}: exit", run):
        return False
    for note in run.stderr.strip().splitlines():
        print(f"      {note}")
    within = run.peaks["RssAnon"] <= anonymous and run.peaks["VmHWM"] <= anonymous + weights
    checks.row(subject, f"{verb}: memory", run.figures,
               f"RssAnon <= {anonymous // MEGABYTE} MB, VmHWM <= that and the file", within)
    return True


def features(path, inputs):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"hidden": inputs})[0]


def bytes_of(path):
    """The model's and its weights', wherever they lie."""
    return sum(each.stat().st_size for each in path.parent.iterdir())


def model(checks, program, folder, subject, width, layers, data):
    source = folder / "source" / "model.onnx"
    source.parent.mkdir()
    start = time.monotonic()
    weights = large.write(source, width, layers, data)
    total = bytes_of(source)
    print(f"{subject}: {weights / 1e9:.2f} GB of weights, written in {time.monotonic() - start:.0f} s")
    samples = np.random.default_rng(1).standard_normal((SAMPLES, TOKENS, width), "f4")
    calibration, unseen = folder / "calibration.npy", folder / "unseen.npy"
    np.save(calibration, samples[: SAMPLES * 2 // 3])
    np.save(unseen, samples[SAMPLES * 2 // 3:])

    run = Run(program, "inspect", source, "--json")
    if check(checks, subject, "inspect", run, READING, total):
        blocks = sum(len(stream["blocks"]) for stream in json.loads(run.stdout)["streams"])
        checks.row(subject, "inspect: steps", blocks, f"= {2 * layers}", blocks == 2 * layers)

    copy = folder / "copy" / "model.onnx"
    copy.parent.mkdir()
    run = Run(program, "copy", source, copy)
    if check(checks, subject, "copy", run, READING, total):
        inline = copy.stat().st_size
        checks.row(subject, "copy: bytes of the message", inline, f"<= {LARGEST_MESSAGE}",
                   inline <= LARGEST_MESSAGE)
        run = Run(program, "verify", source, copy, "--inputs", unseen, "--json")
        if checks.status(subject, "verify the copy: exit", run):
            error = max(each["maxAbsoluteError"] for each in json.loads(run.stdout)["outputs"])
            checks.row(subject, "verify the copy: largest error", error, "= 0", error == 0)
    for path in copy.parent.iterdir():
        path.unlink()

    smaller = folder / "smaller" / "model.onnx"
    smaller.parent.mkdir()
    run = Run(program, source, smaller, "--calibration", calibration, "--auto-threshold", "--json")
    if not check(checks, subject, "convert", run, BESIDE + MOMENTS + ARENAS, total + bytes_of(smaller)):
        return
    report = json.loads(run.stdout)
    phases = ", ".join(f"{phase} {seconds:.0f} s" for phase, seconds in report["seconds"].items())
    print(f"      {phases}")
    removed = 1 - report["parameters"]["after"] / report["parameters"]["before"]
    checks.row(subject, "convert: parameters removed", removed, "> 0.1", removed > 0.1)
    run = Run(program, "verify", source, smaller, "--inputs", unseen, "--max-error", "1", "--json")
    if checks.status(subject, "verify the smaller: exit", run):
        error = json.loads(run.stdout)["outputs"][0]["relativeError"]
        checks.row(subject, "verify the smaller: relative error", error, f"<= {MOST_DAMAGE}",
                   error <= MOST_DAMAGE)
    if data:
        inputs = np.load(unseen)
        a, b = features(source, inputs), features(smaller, inputs)
        error = float(((b - a) ** 2).sum() / ((a - a.mean(0)) ** 2).sum())
        checks.row(subject, "onnxruntime: relative error", error, f"<= {MOST_DAMAGE}",
                   error <= MOST_DAMAGE)


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    fraction = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    checks = Checks()
    for subject, width, layers, data in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            model(checks, program, pathlib.Path(folder), subject, width,
                  max(round(layers * fraction), 3), data)
    sys.exit(checks.failures > 0)


if __name__ == "__main__":
    main()
