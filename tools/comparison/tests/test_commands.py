"""Runs each command of tools/comparison as one does by hand, on three blocks of the sample: seconds each."""
import csv
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from xml.etree import ElementTree

import methods
import metrics
import models
import reference
from places import PROGRAM

COMPARISON = pathlib.Path(__file__).resolve().parents[1]
NAME = "vit-mnist-start"
QUICK = ["--option=--threads", "--option=1", "--option=--search", "--option=2"]


def command(name, *arguments, status=0):
    """Standard output and error of a command that must end so."""
    done = subprocess.run([sys.executable, COMPARISON / name, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)
    if done.returncode != status:
        raise AssertionError(f"{name}: expected exit {status}, got {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


class CompareTests(unittest.TestCase):
    METHODS = ["shortgpt", "toast-published", "onnxsim", "ours"]
    BUDGETS = [90, 79]

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder, cls.case = pathlib.Path(folder.name), models.case(NAME)
        cls.table, cls.progress = cls.compare()
        with (cls.folder / f"{NAME}.csv").open(newline="") as file:
            cls.original, *cls.rows = csv.DictReader(file)

    @classmethod
    def compare(cls):
        return command(
            "compare.py", NAME, "--program", PROGRAM, "--program-option=--search=2", "--threads", 1,
            "--methods", ",".join(cls.METHODS), "--budgets", ",".join(map(str, cls.BUDGETS)), "--keep-models",
            "--cache", cls.folder / "cache", "--output", cls.folder)

    def expected_cells(self, method):
        """Of the CSV: the method's best accuracy at each budget."""
        total = int(self.original["parameters"])
        figures = [[float(row["accuracy"]) for row in self.rows if row["method"] == method
                    and int(row["parameters"]) <= total * budget / 100] for budget in self.BUDGETS]
        return [max(each, default=None) for each in figures]

    def test_the_original_is_what_it_is(self):
        self.assertEqual((self.original["method"], float(self.original["share"])), ("original", 1))
        self.assertEqual([float(self.original[name]) for name in ("top1", "cosine", "relative_error")], [1, 1, 0])
        self.assertEqual(float(self.original["accuracy"]), reference.accuracy(self.case.model, self.case.test))

    def test_each_method_has_models_and_figures_in_range(self):
        self.assertEqual(list(dict.fromkeys(row["method"] for row in self.rows)), self.METHODS)
        for row in self.rows:
            self.assertEqual(row["problem"], "", row)
            self.assertTrue(0 < float(row["share"]) < 1, row)
            self.assertAlmostEqual(int(row["parameters"]) / int(self.original["parameters"]), float(row["share"]), 5)
            self.assertTrue(all(0 < float(row[name]) <= 1 for name in ("accuracy", "top1", "cosine")), row)
            self.assertTrue(0 < float(row["relative_error"]) < 2, row)
            self.assertEqual(bool(row["spans"]), row["method"] != "onnxsim", row)

    def test_ours_meets_its_budgets_and_keeps_what_it_can(self):
        ours = [row for row in self.rows if row["method"] == "ours"]
        self.assertEqual([row["setting"] for row in ours], [f"{budget} %" for budget in self.BUDGETS])
        for row, budget in zip(ours, self.BUDGETS):
            self.assertLessEqual(float(row["share"]), budget / 100)
            # The whole three blocks have .886 on the sample's test digits, two of them .783.
            self.assertGreater(float(row["accuracy"]), 0.8)

    def test_the_table_is_of_the_csv(self):
        self.assertEqual(self.table.strip(), (self.folder / f"{NAME}.txt").read_text().strip())
        columns = {method: self.expected_cells(method) for method in self.METHODS}
        best = [max(column[index] or 0 for column in columns.values()) for index in range(len(self.BUDGETS))]
        lines = self.table.splitlines()
        for line, (method, values) in zip(lines[2:], columns.items(), strict=False):
            cells = ["–" if value is None else f"{value:.4f}{'*' * (value == top)}" for value, top in zip(values, best)]
            self.assertEqual(line.split()[-len(cells):], cells)
            self.assertTrue(line.startswith(methods.METHODS[method].title), line)
        behind = [budget for budget, ours, top in zip(self.BUDGETS, columns["ours"], best) if ours != top]
        self.assertEqual(re.findall(r"at (\d+) % ours", self.table), [str(budget) for budget in behind])

    def test_figures_are_those_of_the_models(self):
        kept = list(self.folder.glob(f"cache/{NAME}/runs/*.onnx"))
        accuracies = sorted(reference.accuracy(path, self.case.test) for path in kept)
        self.assertEqual(accuracies, sorted(float(row["accuracy"]) for row in self.rows))

    def test_the_plot_names_each_method(self):
        root = ElementTree.parse(self.folder / f"{NAME}.svg").getroot()
        words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
        self.assertLessEqual({methods.METHODS[name].title for name in self.METHODS}, words)

    def test_a_second_time_all_is_kept(self):
        table, progress = self.compare()
        self.assertEqual(table, self.table)
        self.assertEqual(progress.count("(kept)"), len(self.rows))
        self.assertNotIn("(kept)", self.progress)

    def test_each_recipe_of_the_program_is_compared(self):
        done = subprocess.run([PROGRAM, self.case.model, "--dry-run", "--recipe", "?", "--blocks", "1"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        names = re.search(r"expected one of (.*), got", done.stderr)[1].split(", ")
        self.assertEqual(set(names), {name for name, method in methods.METHODS.items()
                                      if method.settings is methods.of_recipe})


class GuardSplitsTests(unittest.TestCase):
    def test_a_split_is_measured_and_kept(self):
        # So wide a limit that there is a model, and fresh samples are within it.
        with tempfile.TemporaryDirectory() as name:
            keep = pathlib.Path(name) / "splits.csv"
            out, _ = command("guard_splits.py", PROGRAM, NAME, "--splits", 1, "--keep", keep, *QUICK,
                             "--option=--max-drop", "--option=0.3")
            with keep.open(newline="") as file:
                (row,) = csv.DictReader(file)
        self.assertEqual((row["seed"], row["metric"], float(row["limit"])), ("0", "accuracy-drop", 0.3))
        self.assertTrue(0 < float(row["removed"]) < 1 and 0 <= float(row["fresh"]) <= 0.3, row)
        self.assertIn(f"{float(row['removed']):.1%}", out)
        self.assertIn("of 1, 1 within the limit", out)


class SyntheticTests(unittest.TestCase):
    def test_each_goal_has_a_row_with_data_and_one_without(self):
        out, _ = command("synthetic.py", PROGRAM, NAME, "--sizes", 70, *QUICK, "--option=--max-drop",
                         "--option=0.3", "--markdown")
        header, _, *rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in out.splitlines()]
        self.assertEqual(header, ["model", "goal", "data", "parameters", *metrics.MEASURES, "guard"])
        self.assertEqual([row[1:3] for row in rows], [[goal, data] for goal in ("70 %", "auto")
                                                      for data in ("real", "synthetic")])
        for real, synthetic in (rows[:2], rows[2:]):
            self.assertNotEqual(real[4:8], synthetic[4:8])
        for row in rows:
            self.assertTrue(all(0 < float(value) <= 1 for value in row[4:7]), row)
            self.assertLess(float(row[3].rstrip("%")), 70.05 if row[1] == "70 %" else 100)


class ExhaustiveTests(unittest.TestCase):
    def test_of_two_blocks_the_best_sets_are_met(self):
        out, _ = command("exhaustive.py", PROGRAM, "--blocks", 2, "--jobs", 1, "--option=--samples",
                         "--option=128")
        first, _, *rows = out.splitlines()
        sets, best = map(int, re.match(r"(\d+) sets of spans, (\d+) of them best", first).groups())
        # [0,1), [0,2), [1,2), and both single blocks.
        self.assertEqual((sets, best), (4, len(rows)))
        self.assertTrue(rows and all(row.startswith("ok") for row in rows), out)


if __name__ == "__main__":
    unittest.main()
