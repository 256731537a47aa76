import math
import pathlib
import tempfile
import unittest

import scoring
from tests import classes


class ScorerTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.scorer = scoring.Scorer(classes.case(self.folder), self.folder / "scores", threads=1)

    def score(self, **model):
        figures = self.scorer.score(classes.model(self.folder / "other.onnx", **model))
        return {name: figures[name] for name in ("accuracy", "top1", "cosine", "relative_error", "broken")}

    def test_another_scale_is_another_error_alone(self):
        figures = self.score(weight=2.0)
        self.assertEqual((figures["accuracy"], figures["top1"], figures["broken"]), (1, 1, 0))
        self.assertAlmostEqual(figures["cosine"], 1)
        self.assertGreater(figures["relative_error"], 0.9)

    def test_the_last_of_fixed_batches_is_filled_up(self):
        # 32 samples are four batches of seven and four samples more.
        self.assertEqual(self.score(weight=-1.0, batch=7), self.score(weight=-1.0))

    def test_what_is_not_finite_is_the_worst_and_stays_so(self):
        # A root of what is below zero.
        for _ in range(2):
            figures = self.score(operator="Pow", weight=0.5)
            self.assertGreater(figures.pop("broken"), 16)
            self.assertEqual(figures, {"accuracy": 0, "top1": 0, "cosine": -1, "relative_error": math.inf})


if __name__ == "__main__":
    unittest.main()
