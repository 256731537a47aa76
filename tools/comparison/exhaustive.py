#!/usr/bin/env python3
"""Holds the program's choice against all there is to choose: exhaustive.py PROGRAM [--model NAME] [--blocks N]
[--jobs N] [--search SETS].

On a model of six blocks every set of disjoint spans of whole blocks, 233 with the empty one, is converted by
--spans and measured on the samples held out of calibration: the mean over outputs of their relative errors.
For every size that no other set beats in both parameters and damage, the program is asked by --target-params
for as few parameters, and measured on the same samples. Its damage may be 2 % more than the best set's.

Models: vit-mnist, the first six blocks of the sample, or fewer; minilm. Prints a row for each size; exits 1
if one fails.
"""

import argparse
import concurrent.futures
import functools
import itertools
import pathlib
import sys
import tempfile

import models
import places  # noqa: F401
from conversion import NoModel, report
from models import vit_mnist
from program import Program

BLOCKS, LIMIT = 6, 1.02


def sets(count, first=0):
    """Every set of disjoint spans of `count` blocks from block `first` on, as (from, to)."""
    yield ()
    for start, end in itertools.combinations(range(first, count + 1), 2):
        for rest in sets(count, end):
            yield ((start, end), *rest)


def measured(program, model, calibration, options, goal):
    """Parameters left, damage and spans of a conversion; spans by their steps, two to a block."""
    try:
        told = report(program, model, "--dry-run", "--calibration", calibration, *options, *goal)
    except NoModel as reason:
        raise NoModel(f"{' '.join(goal)}: {reason}") from None
    damage = sum(output["relativeError"] for output in told["outputs"]) / len(told["outputs"])
    spans = ", ".join(f"{span['blocks'][0]}..{span['blocks'][-1]} {span['form']}" for span in told["spans"])
    return told["parameters"]["after"], damage, spans


def undominated(results):
    """By falling size, those that none beats in both parameters and damage."""
    best = []
    for result in sorted(results, key=lambda result: result[:2]):
        if not best or result[1] < best[-1][1]:
            best.append(result)
    return best[::-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--model", choices=["vit-mnist", "minilm"], default="vit-mnist")
    parser.add_argument("--blocks", type=int, choices=range(2, BLOCKS + 1), default=BLOCKS, help="of vit-mnist")
    parser.add_argument("--jobs", type=int, default=2, help="conversions at a time")
    parser.add_argument("--option", action="append", default=[], help="passed on to every conversion")
    parser.add_argument("--search", metavar="SETS", help="passed on to the conversions that choose")
    arguments = parser.parse_args()
    blocks = arguments.blocks if arguments.model == "vit-mnist" else BLOCKS
    program, options = Program(arguments.program), ["--threads", "1", *arguments.option]
    with tempfile.TemporaryDirectory() as folder:
        case = models.case(arguments.model)
        model = case.model
        if arguments.model == "vit-mnist":
            model = pathlib.Path(folder) / "model.onnx"
            vit_mnist.first_blocks(model, blocks)
        total = program("inspect", model, "--json").json["parameters"]
        convert = functools.partial(measured, program, model, case.calibration, [*case.options, *options])
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as jobs:
            goals = [["--spans", ",".join(f"{start}:{end}" for start, end in spans)] for spans in sets(blocks) if spans]
            best = undominated(jobs.map(convert, goals))
            print(f"{len(goals)} sets of spans, {len(best)} of them best at their size; {total:,} parameters")
            # Percentages are rounded down to a count: half a parameter is no other size.
            search = ["--search", arguments.search] if arguments.search else []
            sizes = [["--target-params", f"{100 * (size + 0.5) / total:.12f}%", *search] for size, _, _ in best]
            chosen = list(jobs.map(convert, sizes))
    failures = 0
    print(f"{'':5}{'parameters':>10} {'best':>10}   {'chosen':>10} {'damage':>10} {'ratio':>7}   best set | chosen set")
    for (size, damage, spans), (count, ours, ours_spans) in zip(best, chosen):
        good = count <= size and ours <= LIMIT * damage
        failures += not good
        print(f"{'ok' if good else 'FAIL':5}{size:10,} {damage:10.4g}   {count:10,} {ours:10.4g} "
              f"{ours / damage:7.3f}   {spans} | {ours_spans}", flush=True)
    sys.exit(failures > 0)


if __name__ == "__main__":
    try:
        main()
    except NoModel as reason:
        sys.exit(f"exhaustive: error: {reason}")
