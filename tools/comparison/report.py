"""What the runs of one case come to: the table of budgets, the CSV, and where ours is not the best."""
import csv
import io

import metrics
from methods import METHODS

COLUMNS = ("method", "setting", "parameters", "share", "bytes", *metrics.MEASURES, "spans", "problem")


def quality(run, metric):
    return run.scores.get(metric) if run.scores else None


def is_better(metric, a, b):
    return a > b if metrics.HIGHER[metric] else a < b


def best(runs, method, budget, metric):
    """The best run of one method with at most so many parameters, the smallest of equals; or None."""
    result = None
    for run in runs:
        value = quality(run, metric)
        if run.setting.method != method or value is None or run.scores["parameters"] > budget:
            continue
        if result is None or is_better(metric, value, quality(result, metric)) or (
                value == quality(result, metric)
                and run.scores["parameters"] < result.scores["parameters"]):
            result = run
    return result


def budget_table(runs, original, case, budgets):
    """A row per method and a column per budget, and the budgets at which ours is not the best."""
    metric, names = case.metric, [name for name in METHODS
                                  if any(run.setting.method == name for run in runs)]
    limits = [int(original["parameters"] * budget / 100) for budget in budgets]
    cells = {name: [best(runs, name, limit, metric) for limit in limits] for name in names}
    losses = []
    tops = []
    for column, budget in enumerate(budgets):
        values = {name: quality(cells[name][column], metric) for name in names if cells[name][column]}
        top = (max if metrics.HIGHER[metric] else min)(values.values(), default=None)
        tops.append(top)
        ours = values.get("ours")
        rivals = [name for name, value in values.items() if not METHODS[name].is_ours
                  and (ours is None or is_better(metric, value, ours))]
        if rivals and "ours" in names:
            winner = (max if metrics.HIGHER[metric] else min)(rivals, key=values.get)
            losses.append((budget, ours, winner, values[winner]))
    width = max(len(METHODS[name].title) for name in names)
    lines = [f"{case.name}: {metric.replace('_', ' ')} on held-out samples, of models of at most so many "
             f"parameters (the original: {original['parameters']:,}, {original[metric]:.4f})",
             " " * width + "".join(f"{f'{budget:g} %':>10}" for budget in budgets)]
    for name in names:
        row = []
        for run, top in zip(cells[name], tops):
            value = quality(run, metric) if run else None
            row.append("–" if value is None else f"{value:.4f}{'*' if value == top else ' '}")
        lines.append(f"{METHODS[name].title:{width}}" + "".join(f"{cell:>10}" for cell in row))
    return lines, losses


def csv_text(runs, original):
    """All models, in the order of the methods."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)

    def row(method, setting, scores, spans="", problem=""):
        scores = scores or {}
        share = scores["parameters"] / original["parameters"] if scores else None
        figures = [scores.get(name) for name in metrics.MEASURES]
        writer.writerow([
            method, setting, scores.get("parameters"), share and f"{share:.6f}", scores.get("bytes"),
            *("" if figure is None else f"{figure:.9g}" for figure in figures), spans, problem])

    row("original", "", original)
    for run in runs:
        row(run.setting.method, run.setting.label, run.scores, run.spans, run.problem)
    return out.getvalue()
