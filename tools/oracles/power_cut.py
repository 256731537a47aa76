"""Ends the program in the middle of its work, again and again: what it leaves is whole or nothing.

Usage: power_cut.py PROGRAM [KILLS]

Half of the kills fall at a random moment of the run, half on a random one of the system calls that
change files (a write that is cut writes half). After each, by digest: the input is untouched; the
output is absent, the old one or the new one, and is never paired with another's data file; nothing
else stands in the folder but a hidden name at most; and the same command then gives the new output,
or refuses what is done already as it does after an undisturbed run.
"""

import collections
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import numpy_helper

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "samples/vit-mnist/vit-mnist.opset17.onnx"
CALIBRATION = REPOSITORY / "samples/vit-mnist/calibration.safetensors"
SEED = 20260131


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.iterdir() if path.is_file()}


class Scenario:
    """A command, and the folder it starts from: `start` are the files that stand there before."""

    def __init__(self, name, arguments, start):
        self.name = name
        self.arguments = arguments
        self.start = start


class PowerCut:
    def __init__(self, program, work):
        self.program = program
        self.work = work
        self.folder = work / "folder"
        self.shim = work / "power_cut.so"
        compiler = shutil.which("cc") or shutil.which("clang")
        source = pathlib.Path(__file__).with_suffix(".c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O", "-o", self.shim, source, "-ldl"],
                       check=True)

    def reset(self, start):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for name, source in start.items():
            shutil.copyfile(source, self.folder / name)

    def launch(self, arguments, **environment):
        return subprocess.Popen(
            [self.program, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | environment)

    def run(self, arguments):
        """The seconds a run takes that is left in peace."""
        started = time.monotonic()
        status = self.launch(arguments).wait()
        if status:
            sys.exit(f"{arguments}: expected status 0, got {status}")
        return time.monotonic() - started

    def calls(self, arguments):
        """How many system calls there are to cut at: the first number at which nothing is cut."""
        count = 0
        while True:
            self.reset(self.scenario.start)
            environment = {"LD_PRELOAD": str(self.shim), "CUT": str(count)}
            if self.launch(arguments, **environment).wait() == 0:
                return count
            count += 1

    def prepare(self, scenario):
        self.scenario = scenario
        self.reset(scenario.start)
        self.old = digests(self.folder)
        self.seconds = self.run(scenario.arguments)
        self.new = digests(self.folder)
        # Some refuse to do again what is done: to replace without --force, or their input's data.
        self.status_again = self.launch(scenario.arguments).wait()
        self.call_count = self.calls(scenario.arguments)
        self.outputs = {name for name in self.new if self.new[name] != self.old.get(name)}

    def cut(self, generator, at_call):
        """Kills one run; what it left, or what is wrong with that."""
        self.reset(self.scenario.start)
        if at_call:
            cut = generator.randrange(self.call_count)
            self.launch(self.scenario.arguments, LD_PRELOAD=str(self.shim), CUT=str(cut)).wait()
        else:
            process = self.launch(self.scenario.arguments)
            time.sleep(generator.uniform(0, self.seconds))
            # People end it too.
            process.send_signal(generator.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            process.wait()
        found = digests(self.folder)
        hidden = {name for name in found if name.startswith(".rba-convert-")}
        state = self.state({name: found[name] for name in found if name not in hidden})
        if not state.startswith("WRONG"):
            status = self.launch(self.scenario.arguments).wait()
            after = digests(self.folder)
            expected = self.status_again if state == "new" else 0
            after = {name: after[name] for name in after if name not in hidden}
            if status != expected or after != self.new:
                state = f"WRONG: the next run ends with status {status}"
        return state, len(hidden)

    def state(self, found):
        untouched = {name for name in self.old if name not in self.outputs}
        if any(found.get(name) != self.old[name] for name in untouched):
            return "WRONG: an input changed"
        if set(found) - set(self.old) - set(self.new):
            return "WRONG: litter"
        output = found.get("out.onnx")
        if output is None:
            return "absent"
        for state, expected in (("old", self.old), ("new", self.new)):
            if output == expected.get("out.onnx"):
                whole = all(found.get(name) == expected[name] for name in expected)
                return state if whole else f"WRONG: {state} model without its data"
        return "WRONG: neither old nor new"


def scenarios(work, program):
    """Outputs that are new, that replace others, that stand in two files, and that are the input."""
    other = work / "other.onnx"
    model = onnx.load(SAMPLE)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(
                numpy_helper.to_array(tensor) * np.float32(2), tensor.name))
    onnx.save(model, other)
    def plan(model, name):
        options = ["--spans", "4:5", "--calibration", CALIBRATION, "--samples", "32", "-q"]
        subprocess.run([program, "analyze", model, "-o", work / name, *options], check=True)
        return work / name

    pair = work / "pair"
    pair.mkdir()
    subprocess.run([program, "copy", other, pair / "out.onnx", "--external-data", "weights.bin",
                    "-q"], check=True)
    moved = work / "moved"
    moved.mkdir()
    subprocess.run([program, "copy", SAMPLE, moved / "in.onnx", "--external-data", "in.bin", "-q"],
                   check=True)
    inputs = {"in.onnx": SAMPLE}
    old_pair = {"out.onnx": pair / "out.onnx", "weights.bin": pair / "weights.bin"}
    copy = ["copy", "in.onnx", "out.onnx", "-q"]
    two_files = [*copy, "--external-data", "weights.bin"]
    apply = ["apply", "in.onnx", plan(SAMPLE, "plan.json"), "out.onnx", "-q"]
    # From another folder, so that the data is written beside the output.
    apply_external = ["apply", moved / "in.onnx", plan(moved / "in.onnx", "external.json"),
                      "out.onnx", "-q"]
    return [
        Scenario("copy, new", copy, inputs),
        Scenario("copy, replacing", [*copy, "--force"], inputs | {"out.onnx": other}),
        Scenario("copy, two files, new", two_files, inputs),
        Scenario("copy, two files, replacing", [*two_files, "--force"], inputs | old_pair),
        Scenario("copy, one file, replacing two", [*copy, "--force"], inputs | old_pair),
        Scenario("copy, onto itself", ["copy", "out.onnx", "out.onnx", "--force", "-q",
                                       "--external-data", "weights.bin"], {"out.onnx": SAMPLE}),
        Scenario("apply, new", apply, inputs),
        Scenario("apply, replacing", [*apply, "--force"], inputs | {"out.onnx": other}),
        Scenario("apply, two files, new", apply_external, {}),
        Scenario("apply, two files, replacing", [*apply_external, "--force"],
                 {"out.onnx": pair / "out.onnx", "weights.bin": pair / "weights.bin",
                  "out.onnx.data": other}),
    ]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    generator = random.Random(SEED)
    total = collections.Counter()
    hidden_total = 0
    with tempfile.TemporaryDirectory(prefix="rba-power-cut-") as work:
        cut = PowerCut(program, pathlib.Path(work))
        table = scenarios(cut.work, program)
        inputs = digests(cut.work / "moved")
        for index, scenario in enumerate(table):
            cut.prepare(scenario)
            states = collections.Counter()
            for kill in range(index, kills, len(table)):
                state, hidden = cut.cut(generator, at_call=(kill // len(table)) % 2 == 0)
                states[state] += 1
                hidden_total += hidden
            total += states
            words = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            print(f"{scenario.name:32} {cut.call_count:3} calls  {words}", flush=True)
        if digests(cut.work / "moved") != inputs:
            total["WRONG: an input changed"] += 1
    words = ", ".join(f"{count} {state}" for state, count in sorted(total.items()))
    print(f"{sum(total.values())} kills, seed {SEED}: {words}; {hidden_total} hidden names left")
    sys.exit(any(state.startswith("WRONG") for state in total))


if __name__ == "__main__":
    main()
