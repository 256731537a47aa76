import contextlib
import csv
import io
import json
import pathlib
import shutil
import tempfile
import unittest
from dataclasses import replace

import conversion
import guard_splits
from program import Outcome
from tests import classes


class Copying:
    """In place of the program: 'smaller' models are copies, and some seeds' runs end otherwise."""

    def __init__(self, folder):
        self.path, self.runs, self.endings, self.words = folder / "program", 0, {}, "no model"
        self.path.write_text("one build")

    def __call__(self, verb, model, out, *options, timeout):
        self.runs += 1
        if status := self.endings.get(self.runs, 0):
            return Outcome(status, "", self.words)
        shutil.copy(model, out)
        return Outcome(0, json.dumps({
            "parameters": {"before": 100, "after": 60},
            "guard": {"metric": "accuracy-drop", "limit": "Infinity", "bound": 0.5, "measured": 0.25}}), "")


class KeptSplitsTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.keep = pathlib.Path(folder.name) / "splits.csv"
        self.program = Copying(pathlib.Path(folder.name))
        self.case = classes.case(pathlib.Path(folder.name))

    def check(self, splits, options=(), first=0):
        """What is printed, and how often the program ran."""
        before = self.program.runs
        with contextlib.redirect_stdout(io.StringIO()) as out:
            guard_splits.check(self.program, self.case, range(first, first + splits), 1, list(options), self.keep)
        return out.getvalue(), self.program.runs - before

    def test_a_run_goes_on_where_it_was_stopped(self):
        self.program.endings = {2: -9}
        first, runs = self.check(2)
        self.assertEqual(runs, 2)
        self.assertIn("of 2, 1 within the limit", first)
        second, runs = self.check(3)
        self.assertEqual(runs, 2)
        self.assertIn("of 3, 3 within the limit", second)
        self.assertEqual(second.splitlines()[2], first.splitlines()[2])
        self.assertEqual(self.check(3), (second, 0))
        last, runs = self.check(1, first=2)
        self.assertEqual((last.splitlines()[2], runs), (second.splitlines()[4], 0))
        with self.keep.open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["seed"] for row in rows], ["0", "1", "2"])
        self.assertEqual({row["options"] for row in rows}, {"--samples 16"})

    def test_a_model_that_no_guard_passes_is_no_failure(self):
        self.program.endings, self.program.words = {1: 1}, conversion.REFUSAL
        first, runs = self.check(2)
        self.assertIn("1 of 2 splits without a model; of 1, 1 within the limit", first)
        self.assertEqual(self.check(2), (first, 0))

    def test_what_else_a_split_is_made_of_makes_it_another(self):
        self.check(1)
        self.assertEqual(self.check(1, ["--search", "2"])[1], 1)
        self.case = classes.case(self.keep.parent, weight=2.0)
        self.assertEqual(self.check(1)[1], 1)
        self.program.path.write_text("another build")
        self.assertEqual(self.check(1)[1], 1)
        self.assertEqual(self.check(1)[1], 0)


class VerdictTests(unittest.TestCase):
    def test_beyond_the_limit_only_what_was_told_is_within(self):
        split = guard_splits.Split(0, 0.4, "accuracy-drop", limit=0.01, bound=0.05, held=0, fresh=0.01)
        for fresh, verdict in ((0.01, "ok"), (0.03, "told"), (0.06, "FAIL"), (float("nan"), "FAIL")):
            self.assertEqual(replace(split, fresh=fresh).verdict, verdict)


if __name__ == "__main__":
    unittest.main()
