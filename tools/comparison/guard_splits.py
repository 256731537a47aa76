#!/usr/bin/env python3
"""Whether what passes the guard passes it again: guard_splits.py PROGRAM NAME... [OPTION...].

A model's samples are split at random, as many to calibrate with as its case has, the rest fresh. Each split
is converted by --auto-threshold; what is written is run by onnxruntime on the fresh samples, and held to the
limit of the guard that the program reports, or to the wider bound that it has told of beforehand. Prints a row
for each split; exits 1 if fewer of the models stay within than 19 of 20, there is none, or a conversion ends otherwise
than with a model or with the word that none stays within the limit. With --keep, each split that has its figures is
a row of a CSV file at once, and is not made again by the same program of the same model, data and options.
"""

import argparse
import concurrent.futures
import csv
import dataclasses
import pathlib
import shlex
import sys
import tempfile
import threading

import numpy as np

import metrics
import models
import places  # noqa: F401
import reference
import scoring
from conversion import NoModel, report
from program import Program
from store import digest, key

# One split in so many may fail.
TOLERATED = 20


def joined(first, second):
    """Samples of both, filled up with zeros on the right to one shape."""
    extents = [max(pair) for pair in zip(first.shape[1:], second.shape[1:])]
    filled = [np.pad(part, [(0, 0), *((0, extent - size) for extent, size in zip(extents, part.shape[1:]))])
              for part in (first, second)]
    return np.concatenate(filled)


@dataclasses.dataclass(frozen=True)
class Split:
    """What the model made of one split came to."""
    seed: int
    removed: float
    """The share of the parameters that is gone."""
    metric: str
    limit: float
    """Of the guard, by its metric."""
    bound: float
    """What the program tells beforehand that fresh samples may come to."""
    held: float
    """The guard's metric on what the program held out."""
    fresh: float

    @classmethod
    def refused(cls, seed):
        """Of data with which no smaller model passes the guard."""
        return cls(seed, 0.0, "no model", *[0.0] * 4)

    @property
    def verdict(self):
        if self.removed == 0:
            return "none"
        return "ok" if self.fresh <= self.limit + 1e-9 else "told" if self.fresh <= self.bound else "FAIL"


class KeptSplits:
    """Splits with their figures by seed, each a row of a CSV file beside what it was made of."""

    def __init__(self, path, program, case, options):
        self.path, self.lock = path, threading.Lock()
        self.basis = {"program": digest(program.path), "model": digest(case.model),
                      "data": key(digest(case.calibration), digest(case.test)),
                      "options": shlex.join([*case.options, *options])}
        self.by_seed = {}
        if path.exists():
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if self.basis.items() <= row.items()]
            splits = [Split(**{field.name: field.type(row[field.name]) for field in dataclasses.fields(Split)})
                      for row in rows]
            self.by_seed = {split.seed: split for split in splits}

    def add(self, split):
        row = self.basis | dataclasses.asdict(split)
        with self.lock, self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)


def made(program, case, pool, expected, seed, options):
    """The split of a seed, with the figures of the model that is made of it."""
    calibrated = len(next(iter(reference.arrays(case.calibration).values())))
    order = np.random.default_rng(seed).permutation(len(expected))
    chosen, fresh = order[:calibrated], order[calibrated:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        np.savez(folder / "calibration.npz", **{key: value[chosen] for key, value in pool.items()})
        told = report(program, case.model, folder / "smaller.onnx", "--calibration", folder / "calibration.npz",
                      "--auto-threshold", *case.options, *options)
        inputs = {key: value[fresh] for key, value in pool.items()}
        got = scoring.output(case, folder / "smaller.onnx", inputs)
    guard, parameters, labels = told["guard"], told["parameters"], inputs.get(case.labels)
    # Numbers that aren't finite are strings in JSON.
    limit, bound, held = (float(guard[name]) for name in ("limit", "bound", "measured"))
    return Split(seed, 1 - parameters["after"] / parameters["before"], guard["metric"], limit, bound, held,
                 metrics.guard_loss(guard["metric"], expected[fresh], got, labels))


def check(program, case, seeds, jobs, options, keep=None):
    parts = [reference.arrays(path) for path in (case.calibration, case.test)]
    pool = {key: joined(*(part[key] for part in parts)) for key in parts[0]}
    expected = scoring.output(case, case.model, pool)
    kept = KeptSplits(keep, program, case, options) if keep else None

    def result(seed):
        """The split, or why there is none."""
        if kept and seed in kept.by_seed:
            return kept.by_seed[seed]
        try:
            split = made(program, case, pool, expected, seed, options)
        except NoModel as reason:
            if not reason.is_refusal:
                return reason
            split = Split.refused(seed)
        if kept:
            kept.add(split)
        return split

    print(f"{case.name}: {len(expected)} samples", flush=True)
    print(f"{'split':>7} {'removed':>8} {'metric':20}{'limit':>9}{'bound':>9}{'held out':>10}{'fresh':>10}")
    verdicts = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as workers:
        for seed, split in zip(seeds, workers.map(result, seeds)):
            if isinstance(split, NoModel):
                print(f"{seed:7} {split}", flush=True)
                continue
            verdicts.append(split.verdict)
            print(f"{seed:7} {split.removed:8.1%} {split.metric:20}{split.limit:9.4g}{split.bound:9.4g}"
                  f"{split.held:10.4g}{split.fresh:10.4g}  {split.verdict}", flush=True)
    passed, told, none = (verdicts.count(verdict) for verdict in ("ok", "told", "none"))
    models_made = len(seeds) - none
    asked = models_made - models_made // TOLERATED
    print(f"{case.name}: {none} of {len(seeds)} splits without a model; of {models_made}, {passed} within the limit, "
          f"{passed + told} within what was told, {asked} are asked", flush=True)
    return 0 < models_made == len(verdicts) - none and passed + told >= asked


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("names", nargs="+", type=models.name, metavar="NAME",
                        help=f"of {', '.join(models.names())}")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="of the first split; the others follow")
    parser.add_argument("--jobs", type=int, default=1, help="conversions at a time")
    parser.add_argument("--option", action="append", default=[], help="passed on to the program")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FILE.csv", help="rows made before, and to be made")
    arguments = parser.parse_args()
    program = Program(arguments.program)
    cases = [models.case(name) for name in arguments.names]
    seeds = range(arguments.first, arguments.first + arguments.splits)
    good = [check(program, case, seeds, arguments.jobs, arguments.option, arguments.keep)
            for case in cases]
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
