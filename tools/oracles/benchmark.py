#!/usr/bin/env python3
"""Measures the program's forward pass against onnxruntime's, in turn, so that a busy machine slows both.

A round is one process of each, in alternating order; a process runs the batch several times and its
fastest run counts. Printed: images per second, as medians over the rounds; the median of the rounds'
ratios, above 1 where the program is faster; and the most memory a process of each held.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = ("s", "b")


def peak_bytes():
    """The most physical memory this process ever held."""
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def run_reference(model, inputs, threads, repeat):
    """The child process: prints what the program's own `run --json` prints, of onnxruntime."""
    import reference

    runner = reference.session(model, threads)
    feeds = reference.arrays(inputs)
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        runner.run(None, feeds)
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"secondsPerRun": seconds, "peakBytes": peak_bytes()}))


def measure(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, stdin=subprocess.DEVNULL)
    document = json.loads(result.stdout)
    return min(document["secondsPerRun"]), document["peakBytes"]


def compare(model, inputs, arguments):
    options = {"threads": str(arguments.threads), "repeat": str(arguments.repeat)}
    commands = [
        [arguments.program, "run", model, "--inputs", inputs, "--json",
         "--threads", options["threads"], "--repeat", options["repeat"]],
        [sys.executable, __file__, "--reference", model, inputs, options["threads"], options["repeat"]],
    ]
    rounds = []
    for index in range(arguments.rounds):
        order = (0, 1) if index % 2 == 0 else (1, 0)
        measured = {which: measure(commands[which]) for which in order}
        rounds.append((measured[0], measured[1]))
    return rounds


def prepare(size):
    path = ROOT / f".cache/models/vit-{size}-16.onnx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        generator = ROOT / "tools/models/vit.py"
        subprocess.run([sys.executable, generator, partial, "--size", size], check=True)
        partial.replace(path)
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=SIZES)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'model':10}{'ours':>10}{'onnxruntime':>14}{'ratio':>8}  {'peak memory, MB':>20}")
    with tempfile.TemporaryDirectory() as folder:
        inputs = str(pathlib.Path(folder) / "inputs.npz")
        shape = (arguments.batch, 3, 224, 224)
        np.savez(inputs, pixel_values=np.random.default_rng(8).standard_normal(shape, "f4"))
        for size in arguments.sizes:
            rounds = compare(prepare(size), inputs, arguments)
            rates = [statistics.median(arguments.batch / pair[which][0] for pair in rounds)
                     for which in (0, 1)]
            ratio = statistics.median(theirs[0] / ours[0] for ours, theirs in rounds)
            peaks = [max(pair[which][1] for pair in rounds) / 1e6 for which in (0, 1)]
            print(f"{f'vit-{size}-16':10}{rates[0]:>10.2f}{rates[1]:>14.2f}{ratio:>8.3f}"
                  f"  {peaks[0]:>9.0f}{peaks[1]:>11.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--reference"]:
        run_reference(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
