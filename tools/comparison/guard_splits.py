#!/usr/bin/env python3
"""Whether what passes the guard passes it again: guard_splits.py PROGRAM NAME... [--splits N] [--jobs N].

A model's samples are split at random, as many to calibrate with as its case has, the rest fresh. Each split
is converted by --auto-threshold; what is written is run by onnxruntime on the fresh samples, and held to the
limit of the guard that the program reports, or to the wider bound that it has told of beforehand. Prints a row
for each split; exits 1 if fewer stay within than 19 of 20.
"""

import argparse
import concurrent.futures
import pathlib
import sys
import tempfile

import numpy as np

import metrics
import models
import places  # noqa: F401
import reference
import scoring
from program import Program

# One split in so many may fail.
TOLERATED = 20


def joined(first, second):
    """Samples of both, filled up with zeros on the right to one shape."""
    extents = [max(pair) for pair in zip(first.shape[1:], second.shape[1:])]
    filled = [np.pad(part, [(0, 0), *((0, extent - size) for extent, size in zip(extents, part.shape[1:]))])
              for part in (first, second)]
    return np.concatenate(filled)


def split(program, case, pool, expected, seed, options):
    """Parameters left, metric, limit, bound, what it came to held out and fresh; or why there is no answer."""
    calibrated = len(next(iter(reference.arrays(case.calibration).values())))
    order = np.random.default_rng(seed).permutation(len(expected))
    chosen, fresh = order[:calibrated], order[calibrated:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        np.savez(folder / "calibration.npz", **{key: value[chosen] for key, value in pool.items()})
        outcome = program("convert", case.model, folder / "smaller.onnx", "--calibration",
                          folder / "calibration.npz", "--auto-threshold", "--json", *case.options, *options,
                          timeout=7200)
        if outcome.status != 0:
            return f"exit {outcome.status}: {outcome.stderr.strip()[-200:]}"
        report = outcome.json
        inputs = {key: value[fresh] for key, value in pool.items()}
        got = scoring.output(case, folder / "smaller.onnx", inputs)
        guard = report["guard"]
        labels = inputs.get("labels")
        return (1 - report["parameters"]["after"] / report["parameters"]["before"], guard["metric"],
                guard["limit"], guard["bound"], guard["measured"], metrics.guard_loss(guard["metric"], expected[fresh], got, labels))


def check(program, case, splits, jobs, options):
    parts = [reference.arrays(path) for path in (case.calibration, case.test)]
    pool = {key: joined(*(part[key] for part in parts)) for key in parts[0]}
    expected = scoring.output(case, case.model, pool)
    print(f"{case.name}: {len(expected)} samples", flush=True)
    print(f"{'split':>7} {'removed':>8} {'metric':20}{'limit':>9}{'bound':>9}{'held out':>10}{'fresh':>10}")
    passed = within = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool_of_jobs:
        results = pool_of_jobs.map(
            lambda seed: split(program, case, pool, expected, seed, options), range(splits))
        for seed, result in enumerate(results):
            if isinstance(result, str):
                print(f"{seed:7} {result}", flush=True)
                continue
            removed, metric, limit, bound, held, fresh = result
            verdict = "ok" if fresh <= limit + 1e-9 else "told" if fresh <= bound else "FAIL"
            passed += verdict == "ok"
            within += verdict != "FAIL"
            print(f"{seed:7} {removed:8.1%} {metric:20}{limit:9.4g}{bound:9.4g}{held:10.4g}{fresh:10.4g}  {verdict}",
                  flush=True)
    asked = splits - splits // TOLERATED
    print(f"{case.name}: {passed} of {splits} splits within the limit, {within} within what was told, "
          f"{asked} are asked", flush=True)
    return within >= asked


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("names", nargs="+", type=models.name, metavar="NAME",
                        help=f"of {', '.join(models.names())}")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="conversions at a time")
    parser.add_argument("--option", action="append", default=[], help="passed on to the program")
    arguments = parser.parse_args()
    program = Program(arguments.program)
    cases = [models.case(name) for name in arguments.names]
    good = [check(program, case, arguments.splits, arguments.jobs, arguments.option) for case in cases]
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
