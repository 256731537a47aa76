import math
import unittest

import numpy as np

import metrics

ORIGINAL = np.array([[1, 2, 3], [3, 2, 1], [0, 5, 1]], "f4")
LABELS = np.array([2, 0, 1])
WORST = {"accuracy": 0.0, "top1": 0.0, "cosine": -1.0, "relative_error": math.inf}


class MetricsTests(unittest.TestCase):
    def test_the_original_is_as_good_as_it_gets(self):
        self.assertEqual(metrics.all_of(ORIGINAL, ORIGINAL, LABELS),
                         {"accuracy": 1.0, "top1": 1.0, "cosine": 1.0, "relative_error": 0.0})

    def test_one_value_that_is_not_finite_is_the_worst_by_every_measure(self):
        for value in (math.nan, math.inf, -math.inf):
            other = ORIGINAL.copy()
            # The largest value of the last sample stays where it is.
            other[2, 0 if value != math.inf else 1] = value
            with self.subTest(value=value):
                self.assertEqual(metrics.all_of(ORIGINAL, other, LABELS), WORST)
                self.assertEqual(metrics.broken_samples(ORIGINAL, other), 1)
                for guard, loss in (("accuracy-drop", 1), ("top1-disagreement", 1), ("relative-error", math.inf)):
                    self.assertEqual(metrics.guard_loss(guard, ORIGINAL, other, LABELS), loss)

    def test_where_the_original_is_not_finite_only_labels_can_be_held_to(self):
        original = ORIGINAL.copy()
        original[0, 0], original[1] = -math.inf, math.nan
        self.assertEqual(metrics.all_of(original, original, LABELS), {"accuracy": 2 / 3})
        self.assertEqual(metrics.all_of(original, original, None), {})

    def test_without_scatter_an_error_is_infinite(self):
        same = np.ones((2, 3), "f4")
        self.assertEqual(metrics.relative_error(same, same, None), 0)
        self.assertEqual(metrics.relative_error(same, same + 1, None), math.inf)


if __name__ == "__main__":
    unittest.main()
