#!/usr/bin/env python3
"""What is lost without data: synthetic.py PROGRAM NAME... [OPTION...].

Each model is converted with its calibration data and with none, down to equal sizes and by --auto-threshold;
what is written is scored by onnxruntime on the same real test data. Prints a table; exits 1 if a conversion
fails, or if one without data that passed its guard is beyond the limit, by the guard's own metric, that the
guard has where data is real.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

import metrics
import models
import places  # noqa: F401
import reference
import scoring
from conversion import NoModel, report
from program import Program

COLUMNS = list(metrics.MEASURES)


def converted(program, case, data, goal, options, folder):
    """The report and the file of a conversion."""
    # Alone in its folder: no data beside it.
    model, out = folder / "model.onnx", folder / "smaller.onnx"
    shutil.copy(case.model, model)
    given = ["--calibration", case.calibration] if data else []
    return report(program, model, out, *given, *goal, *case.options, *options), out


def check(program, case, sizes, options, write):
    test = reference.arrays(case.test)
    labels = test.get(case.labels)
    expected = scoring.output(case, case.model, test)

    def row(title, goal, data):
        """Figures of a conversion, and whether they are within what real data would be held to."""
        with tempfile.TemporaryDirectory() as name:
            told, out = converted(program, case, data, goal, options, pathlib.Path(name))
            got = scoring.output(case, out, test)
        figures, verdict = metrics.all_of(expected, got, labels), ""
        if title == "auto":
            guard = told["guard"]
            # Without data the program halves its own limits, not one that it is given.
            is_halved = not data and not any(option.startswith("--max-drop") for option in options)
            limit = float(guard["limit"]) * (2 if is_halved else 1)
            passed = metrics.guard_loss(guard["metric"], expected, got, labels) <= limit
            verdict = "within" if passed else "beyond"
        left = told["parameters"]["after"] / told["parameters"]["before"]
        return [f"{left:.1%}", *(f"{figures[key]:.4f}" if key in figures else "" for key in COLUMNS), verdict]

    goals = [(f"{size} %", ["--target-params", f"{size}%"]) for size in sizes]
    good = True
    for title, goal in [*goals, ("auto", ["--auto-threshold"])]:
        for kind in ("real", "synthetic"):
            try:
                cells = row(title, goal, kind == "real")
                good &= kind == "real" or cells[-1] != "beyond"
            except NoModel as reason:
                cells, good = [str(reason)], False
            write([case.name, title, kind, *cells])
    return good


def printer(markdown):
    widths = [10, 8, 10, 10, *(max(9, len(column)) for column in COLUMNS), 6]

    def write(cells):
        if markdown:
            print("| " + " | ".join(cells) + " |", flush=True)
        else:
            print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)), flush=True)
    return write


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("names", nargs="+", type=models.name, metavar="NAME",
                        help=f"of {', '.join(models.names())}")
    parser.add_argument("--sizes", default="90,80", help="per cent of the parameters")
    parser.add_argument("--option", action="append", default=[], help="passed on to the program")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    write = printer(arguments.markdown)
    header = ["model", "goal", "data", "parameters", *COLUMNS, "guard"]
    write(header)
    if arguments.markdown:
        write(["---"] * len(header))
    cases = [models.case(name) for name in arguments.names]
    good = [check(Program(arguments.program), case, arguments.sizes.split(","), arguments.option, write)
            for case in cases]
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
