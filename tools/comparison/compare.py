#!/usr/bin/env python3
"""Compares this program with the published methods; started by tools/compare-methods.

MODEL is the name of one in tools/comparison/models, such as vit-mnist, or an .onnx file with
--calibration and --test. Every method sees the calibration samples only; every model that it gives is
scored once, by onnxruntime, on the test samples. For each budget the table has the best quality among a
method's models of at most that many parameters. Beside it are written NAME.csv, all models, and NAME.svg,
quality against parameters. Runs and scores are kept in .cache/comparison by the digests of all that
went into them, so that a comparison that was stopped goes on where it was.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import metrics
import models
import places
import plot
import reference
import report
import scoring
import store
from case import Case
from methods import METHODS, Extent
from runs import USAGE, Runner

DEFAULT_BUDGETS = [90, 80, 70, 60, 50, 40, 30]
# More than one where a number of budgets is asked for.
BUDGET_RANGE = (90, 20)


def budgets(text):
    """'7' is as many percentages, evenly from 90 to 20; '80,60,45' are these."""
    try:
        values = [float(part.removesuffix("%")) for part in text.split(",")]
    except ValueError:
        values = []
    is_count = text.isdecimal() and int(text) <= 20
    if not values or is_count and int(text) < 2 or not all(0 < value <= 100 for value in values):
        raise argparse.ArgumentTypeError(f"expected a number from 2 or percentages, got '{text}'")
    if is_count:
        count, (high, low) = int(text), BUDGET_RANGE
        values = [round(high + (low - high) * index / (count - 1), 1) for index in range(count)]
    return sorted(values, reverse=True)


def model(text):
    return text if text.endswith(".onnx") else models.name(text)


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/compare-methods", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("models", nargs="+", type=model, metavar="MODEL",
        help=f"an .onnx file, or of these: {', '.join(models.names())}")
    add("--calibration", type=Path, help="samples for the methods, .safetensors or .npz")
    add("--test", type=Path, help="samples to score on, laid out alike")
    add("--labels", help="array of the test file that holds classes (default: 'labels' if it is there)")
    add("--metric", type=lambda text: text.replace("-", "_"), choices=list(metrics.MEASURES),
        help="what to rank by (default: accuracy with labels, else cosine)")
    add("--budgets", type=budgets, default=DEFAULT_BUDGETS,
        help="percentages such as 80,60,45, or how many (default: 90,80,...,30)")
    add("--published", action="append", metavar="SPANS",
        help="a setting of TOAST such as 1:3 or 2:4,6:8; repeatable")
    add("--methods", metavar="NAME,...", help=f"of {', '.join(METHODS)} (default: all)")
    add("--program", type=Path, default=places.PROGRAM)
    add("--program-option", action="append", default=[], metavar="OPTION",
        help="one more option for the program's own methods; repeatable, as --program-option=--x=1")
    add("--time-limit", type=float, metavar="SECONDS", help="for each run")
    add("--threads", type=int, default=0, help="of the program and of onnxruntime (default: all cores)")
    add("--trust-baselines", action="store_true",
        help="take other methods' models that another build of the program made")
    add("--keep-models", action="store_true", help="keep the models beside their scores in the cache")
    add("--cache", type=Path, default=places.CACHE, help="folder where runs and scores are kept")
    add("-o", "--output", type=Path, default=places.CACHE / "reports",
        help="folder for the table, the CSV and the plot")
    add("--strict", action="store_true", help="exit 1 where ours is not the best at some budget")
    options = parser.parse_args()
    chosen = options.methods.split(",") if options.methods else list(METHODS)
    if unknown := [name for name in chosen if name not in METHODS]:
        parser.error(f"--methods: expected of {', '.join(METHODS)}, got '{unknown[0]}'")
    options.methods = [name for name in METHODS if name in chosen]
    files = [model for model in options.models if model.endswith(".onnx")]
    given = [f"--{name}" for name in ("calibration", "test", "labels") if getattr(options, name) is not None]
    if given and len(files) < len(options.models):
        parser.error(f"{given[0]} goes with .onnx files alone")
    if files and (options.calibration is None or options.test is None):
        parser.error(f"{files[0]} needs --calibration and --test")
    if not options.program.exists():
        parser.error(f"--program: '{options.program}' is not there")
    return options


def prepared(model, options):
    """The case a name or a file stands for, with the metric and spans that the command line says."""
    if not model.endswith(".onnx"):
        case = models.case(model)
    else:
        labels = options.labels or ("labels" if "labels" in reference.arrays(options.test) else None)
        case = Case(Path(model).stem, Path(model), options.calibration, options.test, labels=labels,
                    metric="accuracy" if labels else "cosine")
    changes = {"metric": options.metric, "published_spans": options.published and tuple(options.published)}
    return Case(**{**vars(case), **{name: value for name, value in changes.items() if value}})


def structure(program, case):
    """Whole blocks and steps of all streams, as the program finds them."""
    done = subprocess.run([str(program), "inspect", str(case.model), "--json"], capture_output=True,
                          text=True, check=True)
    streams = [stream["blocks"] for stream in json.loads(done.stdout)["streams"]]
    kinds = [[block["kind"] for block in blocks] for blocks in streams]
    paired = [len(each) > 1 and all(kind == ("attention", "mlp")[index % 2]
                                    for index, kind in enumerate(each)) for each in kinds]
    blocks = [len(each) // 2 if pairs else len(each) for each, pairs in zip(kinds, paired)]
    return sum(blocks), sum(map(len, kinds))


def sample_count(case):
    """Calibration samples that the program reads."""
    count = max(len(values) for values in reference.arrays(case.calibration).values())
    if "--samples" in case.options:
        count = min(count, int(case.options[case.options.index("--samples") + 1]))
    return count


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def models_of(name, extent, runner, smallest):
    """The runs of a method's settings, as far as they go."""
    method, last = METHODS[name], None
    for setting in method.settings(name, extent):
        run = runner.run(setting)
        is_same = bool(last and last.scores and run.scores and run.scores["digest"] == last.scores["digest"])
        if method.is_sequence and last and (is_same or run.status == USAGE):
            # There is no more to drop.
            return
        yield run
        last = run
        if method.is_sequence and (run.status != 0 or run.scores and run.scores["parameters"] < smallest):
            return


def compare(case, options):
    folder = options.cache / case.name
    scorer = scoring.Scorer(case, folder / "scores", options.threads)
    original = scorer.score(case.model)
    if case.metric not in original:
        raise ValueError(f"{case.name}: '{case.metric}' cannot be taken of its output")
    runner = Runner(
        case, scorer, folder / "runs", options.program, threads=options.threads,
        time_limit=options.time_limit, trusts_baselines=options.trust_baselines,
        keeps_models=options.keep_models)
    blocks, steps = structure(options.program, case)
    extent = Extent(blocks=blocks, steps=steps, samples=sample_count(case), budgets=tuple(options.budgets),
                    published_spans=case.published_spans, extra=tuple(options.program_option))
    smallest = original["parameters"] * min(options.budgets) / 100
    results = []
    for name in options.methods:
        for run in models_of(name, extent, runner, smallest):
            progress(case, run, original)
            results.append(run)
    return original, results


def progress(case, run, original):
    label = f"{case.name}  {run.setting.method:17} {run.setting.label:22}"
    time = "kept" if run.is_cached else f"{run.seconds:.1f} s"
    if run.scores is None:
        say(f"{label} none: {run.problem} ({time})")
        return
    share = run.scores["parameters"] / original["parameters"]
    say(f"{label} {share:7.2%}  {case.metric} {run.scores[case.metric]:.4f}  ({time})"
        + (f"  {run.problem}" if run.problem else ""))


def main():
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    is_beaten = False
    for model in options.models:
        case = prepared(model, options)
        original, results = compare(case, options)
        table, losses = report.budget_table(results, original, case, options.budgets)
        for budget, ours, name, value in losses:
            shown = "none" if ours is None else f"{ours:.4f}"
            table.append(f"at {budget:g} % ours ({shown}) is behind {METHODS[name].title} ({value:.4f})")
        is_beaten = is_beaten or bool(losses)
        print("\n".join([*table, ""]), flush=True)
        base = options.output / case.name
        store.write(base.with_suffix(".txt"), "\n".join([*table, ""]))
        store.write(base.with_suffix(".csv"), report.csv_text(results, original))
        store.write(base.with_suffix(".svg"), plot.svg(results, original, case, options.budgets))
        say(f"wrote {base}.txt, .csv and .svg")
    return 1 if options.strict and is_beaten else 0


if __name__ == "__main__":
    sys.exit(main())
