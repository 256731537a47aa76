#!/usr/bin/env python3
"""Runs the ONNX suites with the built program and compares the numbers:
node_cases.py PROGRAM [--debian] [--operators] [--list] [--update].

The suites: every node case of the ONNX project, the models inside the onnx wheel, and with --debian those
of Debian's libonnx-testdata. A case passes if every output is within the case's own tolerances, by
`run --pbdir`. What does not pass stands in tools/conformance-exceptions.txt, which is exact: an unlisted
case that fails, a listed one that passes or is gone, and a crash, a hang or an unclear refusal of any case
are failures. Then expectations of passing cases are changed, and the program must notice.

Prints the failures and the scoreboard; exits 1 if there were any. With --operators, also the cases each
operator misses; with --list, how each listed case ended; --update rewrites the lines of category not-yet.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import fnmatch
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

import operator_cases
import refusals
import round_trip
from launcher import Launcher
from program import Outcome

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTED = ROOT / "tools/conformance-exceptions.txt"
WHEEL = pathlib.Path(onnx.__file__).parent / "backend/test/data"
JOBS = os.cpu_count()
TIMEOUT = 120

CATEGORIES = ("strings", "training", "preview", "random", "image", "ml-domain", "departure", "not-yet")
HEADING = """\
# Cases of the ONNX suites that do not pass, and why: suite, case or pattern, category, reason.
# tools/oracles/node_cases.py holds this list to be exact; --update rewrites the not-yet lines.
#   strings     string tensors do not reach the executor
#   training    operators that only training needs
#   preview     operators whose meaning may still change
#   random      results that no two implementations share
#   image       codecs of pictures
#   ml-domain   ai.onnx.ml: trees, vectorizers and maps
#   departure   we compute something else on purpose
#   not-yet     missing
"""


@dataclasses.dataclass
class Case:
    """A model with a folder of inputs and outputs."""

    suite: str
    name: str
    model: pathlib.Path
    data: list
    rtol: float = 1e-3
    atol: float = 1e-7

    def run(self, program, launcher, folder, data):
        return launcher([program, "run", self.model, "--pbdir", data, "--rtol", self.rtol, "--atol", self.atol,
                         "--json"], folder, TIMEOUT)


@dataclasses.dataclass
class Exemption:
    suite: str
    pattern: str
    category: str
    reason: str

    def covers(self, case):
        return self.suite == case.suite and fnmatch.fnmatchcase(case.name, self.pattern)

    def __str__(self):
        return f"{self.suite} {self.pattern} {self.category} {self.reason}"


def folders(suite, models):
    """Cases that lie in folders of their own, beside their data sets and perhaps tolerances."""
    for model in models:
        tolerances = {}
        for name in ("case.json", "data.json"):
            if (model.parent / name).exists():
                tolerances = json.loads((model.parent / name).read_text())
        yield Case(suite, model.parent.name, model, sorted(model.parent.glob("test_data_set_*")),
                   **{key: tolerances[key] for key in ("rtol", "atol") if key in tolerances})


def light(out):
    """The whole networks of the wheel; their inputs are made here, as the ONNX project's runner does."""
    for description in sorted((WHEEL / "real").glob("*/data.json")):
        facts = json.loads(description.read_text())
        name = facts["model_name"]
        model = WHEEL / "light" / f"light_{name}.onnx"
        graph = onnx.load(model).graph
        weights = {tensor.name for tensor in graph.initializer}
        data = out / name
        data.mkdir()
        for index, value in enumerate(value for value in graph.input if value.name not in weights):
            shape = [dimension.dim_value or 1 for dimension in value.type.tensor_type.shape.dim]
            count = np.prod(shape)
            tensor = numpy_helper.from_array((np.arange(count).reshape(shape) / count).astype("f4"))
            (data / f"input_{index}.pb").write_bytes(tensor.SerializeToString())
        for index in range(len(graph.output)):
            shutil.copy(model.with_name(f"light_{name}_output_{index}.pb"), data / f"output_{index}.pb")
        yield Case("light", name, model, [data], facts["rtol"], facts["atol"])


def suites(debian, folder):
    cases = [*folders("node", round_trip.node_cases()), *light(folder)]
    for part in ("simple", "pytorch-operator", "pytorch-converted"):
        cases += folders(part, sorted((WHEEL / part).glob("*/model.onnx")))
    if debian:
        cases += folders("debian", round_trip.debian())
    names = [(case.suite, case.name) for case in cases]
    assert len(set(names)) == len(names), "two cases of one name"
    return cases


def listed():
    lines = [line for line in LISTED.read_text().splitlines() if line and not line.startswith("#")]
    entries = [Exemption(*line.split(maxsplit=3)) for line in lines]
    unknown = [entry for entry in entries if entry.category not in CATEGORIES]
    if unknown:
        sys.exit(f"{LISTED.name}: no such category: {unknown[0]}")
    if lines != sorted(lines):
        sys.exit(f"{LISTED.name}: expected sorted lines")
    return entries


def judge(measured):
    """(whether it passed, why it did not, whether the program ended as it may)."""
    if measured.status is None:
        return False, f"still running after {TIMEOUT} s", False
    if measured.status == 0:
        passed = json.loads(measured.stdout)["passed"]
        return passed, None if passed else "exit 0 without having passed", passed
    if measured.status == 1 and measured.stdout:
        report = json.loads(measured.stdout)
        is_told = re.fullmatch("rba-convert: error: the outputs are not within .*\n", measured.stderr)
        return (False, f"differs by up to {float(report['maxAbsoluteError']):.4g}",
                not report["passed"] and is_told is not None)
    fault = refusals.fault(Outcome(measured.status, measured.stdout, measured.stderr), {65}, [])
    if fault:
        return False, fault, False
    (line,) = [line for line in measured.stderr.splitlines() if "error: " in line]
    return False, re.sub(r"^rba-convert: error: .*?\.(onnx|pb): ", "", line), True


def run_all(program, launchers, cases, folder):
    """A judgement for each case."""
    def attempt(case, launcher):
        judgements = [judge(case.run(program, launcher, folder, data)) for data in case.data or [None]]
        return next((judgement for judgement in judgements if not judgement[0]), judgements[0])

    def lane(number):
        return [(index, attempt(cases[index], launchers[number])) for index in range(number, len(cases), JOBS)]

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = dict(result for part in pool.map(lane, range(JOBS)) for result in part)
    return [results[index] for index in range(len(cases))]


def altered(tensor):
    """The tensor with another first element."""
    values = numpy_helper.to_array(tensor).copy()
    first = values.flat[0]
    values.flat[0] = f"{first}?" if values.dtype == object else values.dtype.type(0 if first else 1)
    return numpy_helper.from_array(values, tensor.name)


def controls(program, launcher, cases, folder):
    """Changes what passing cases expect, one of each type; yields those the program still lets pass."""
    seen = set()
    for case in cases:
        model = onnx.load(case.model, load_external_data=False)
        declared = model.graph.output[0].type
        kind = declared.tensor_type.elem_type
        if declared.WhichOneof("value") != "tensor_type" or kind in seen:
            continue
        expected = onnx.load_tensor(case.data[0] / "output_0.pb")
        if expected.data_type == 0 or 0 in expected.dims:
            continue
        seen.add(kind)
        data = folder / f"control{kind}"
        shutil.copytree(case.data[0], data)
        (data / "output_0.pb").write_bytes(altered(expected).SerializeToString())
        _, complaint, is_clear = judge(case.run(program, launcher, folder, data))
        if not is_clear or not (complaint or "").startswith("differs"):
            yield case, f"a changed {onnx.TensorProto.DataType.Name(kind)} result: {complaint or 'passes'}"


def missing_operators(case, complaint):
    """The operators a failure speaks of, else all of the case."""
    named = re.findall(r"\d+ × (\S+)", complaint) or re.findall(r"^node .*?: (\w+) of ", complaint)
    return set(named) or operator_cases.operators(onnx.load(case.model, load_external_data=False).graph)


def report_operators(cases, judgements):
    gaps = collections.defaultdict(list)
    for case, (passed, complaint, _) in zip(cases, judgements):
        for name in set() if passed else missing_operators(case, complaint):
            gaps[name].append(f"{case.suite}/{case.name}")
    for name, missed in sorted(gaps.items(), key=lambda item: (-len(item[1]), item[0])):
        print(f"     {name:32} {len(missed):5} missed, such as {missed[0]}")


def update(entries, cases, judgements):
    """Lists as not yet what fails and has no other line; suites that did not run keep theirs."""
    ran = {case.suite for case in cases}
    kept = [entry for entry in entries if entry.category != "not-yet" or entry.suite not in ran]
    added = [Exemption(case.suite, case.name, "not-yet", complaint)
             for case, (passed, complaint, is_clear) in zip(cases, judgements)
             if not passed and is_clear and not any(entry.covers(case) for entry in kept)]
    LISTED.write_text(HEADING + "".join(f"{line}\n" for line in sorted(map(str, kept + added))))
    return listed()


def compare(entries, cases, judgements):
    """Complaints about cases and about lines of the list; and the scoreboard."""
    scores = collections.defaultdict(collections.Counter)
    complaints, matched = [], collections.Counter()
    for case, (passed, complaint, is_clear) in zip(cases, judgements):
        covering = [index for index, entry in enumerate(entries) if entry.covers(case)]
        matched.update(covering)
        problem = None
        if len(covering) > 1:
            problem = f"listed twice: {entries[covering[0]].pattern}, {entries[covering[1]].pattern}"
        elif not is_clear or not (passed or covering):
            problem = complaint
        elif passed and covering:
            problem = f"passes, but is listed: {entries[covering[0]]}"
        if problem:
            complaints.append(f"{case.suite}/{case.name}: {problem}")
        column = "failed" if problem else "passed" if passed else entries[covering[0]].category
        scores[case.suite][column] += 1
    ran = {case.suite for case in cases}
    complaints += [f"{LISTED.name}: matches no case: {entry}" for index, entry in enumerate(entries)
                   if entry.suite in ran and index not in matched]
    return complaints, scores


def scoreboard(scores):
    columns = ["passed", *(name for name in CATEGORIES if any(score[name] for score in scores.values())),
               "failed"]
    print(f"{'computed, equal':20}{'cases':>7}" + "".join(f"{name:>11}" for name in columns))
    for suite, score in scores.items():
        print(f"{suite:20}{score.total():>7}" + "".join(f"{score[name]:>11}" for name in columns))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    for flag in ("--debian", "--operators", "--list", "--update"):
        parser.add_argument(flag, action="store_true")
    arguments = parser.parse_args()
    program, entries = arguments.program.resolve(), listed()
    launchers = [Launcher() for _ in range(JOBS)]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cases = suites(arguments.debian, folder)
        judgements = run_all(program, launchers, cases, folder)
        passing = [case for case, (passed, _, _) in zip(cases, judgements) if passed]
        blind = list(controls(program, launchers[0], passing, folder))
    for launcher in launchers:
        launcher.close()
    if arguments.update:
        entries = update(entries, cases, judgements)
    complaints, scores = compare(entries, cases, judgements)
    complaints += [f"{case.suite}/{case.name}: {complaint}" for case, complaint in blind]
    for complaint in complaints:
        print(f"FAIL {complaint}")
    if arguments.list:
        for case, (passed, complaint, _) in zip(cases, judgements):
            if not passed:
                print(f"     {case.suite}/{case.name}: {complaint}")
    if arguments.operators:
        report_operators(cases, judgements)
    scoreboard(scores)
    if complaints:
        sys.exit(f"{len(complaints)} complaints")


if __name__ == "__main__":
    main()
