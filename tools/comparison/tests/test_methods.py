import unittest
from unittest import mock

import methods
import plot
import report
from case import Case
from runs import Run

EXTENT = methods.Extent(blocks=3, steps=4, samples=64, budgets=(80, 50), published_spans=("1:2", "0:1,2:3"),
                        extra=("--search=2",))
ORIGINAL = {"parameters": 100, "bytes": 1000, "accuracy": 0.9}
CASE = Case("case", "model", "calibration", "test", labels="labels", metric="accuracy")


def run(method, parameters, accuracy):
    return Run(methods.Setting(method, "setting"), {"parameters": parameters, "bytes": 1, "accuracy": accuracy})


class MethodsTests(unittest.TestCase):
    def test_each_has_settings(self):
        counts = {name: len(method.settings(name, EXTENT)) for name, method in methods.METHODS.items()}
        self.assertEqual(counts, {
            "shortgpt": 3, "block-redundancy": 3, "deeper-layers": 3, "toast": 3, "toast-published": 2,
            "replaceme": 3, "onnxsim": 4, "ours-published": 2, "ours-no-heal": 2, "ours": 2})
        self.assertEqual(methods.METHODS["ours-no-heal"].settings("ours-no-heal", EXTENT)[1].arguments,
                         ("--target-params", "50%", "--no-heal", "--search=2"))

    def test_one_line_adds_a_recipe_to_everything(self):
        line = {"hot-cold": methods.recipe("identity by heat", "#123456")}
        with mock.patch.dict(methods.METHODS, line):
            (first, *_) = methods.METHODS["hot-cold"].settings("hot-cold", EXTENT)
            self.assertEqual(first.arguments[:4], ("--recipe", "hot-cold", "--blocks", "1"))
            runs = [run("hot-cold", 70, 0.85), run("ours", 70, 0.8)]
            table, losses = report.budget_table(runs, ORIGINAL, CASE, [80])
            drawing = plot.svg(runs, ORIGINAL, CASE, [80])
        self.assertEqual(table[3].split(), ["identity", "by", "heat", "0.8500*"])
        self.assertEqual(losses, [(80, 0.8, "hot-cold", 0.85)])
        self.assertIn("#123456", drawing)
        self.assertIn("identity by heat", drawing)


class TableTests(unittest.TestCase):
    def test_ours_is_behind_the_best_of_the_others(self):
        runs = [run("toast", 70, 0.82), run("replaceme", 70, 0.84), run("ours-no-heal", 70, 0.86), run("ours", 70, 0.8)]
        _, losses = report.budget_table(runs, ORIGINAL, CASE, [80])
        self.assertEqual(losses, [(80, 0.8, "replaceme", 0.84)])

    def test_a_model_counts_where_it_is_small_enough(self):
        table, losses = report.budget_table([run("toast", 70, 0.82), run("ours", 50, 0.8)], ORIGINAL, CASE, [70, 69])
        self.assertEqual([line.split()[-2:] for line in table[2:]], [["0.8200*", "–"], ["0.8000", "0.8000*"]])
        self.assertEqual(losses, [(70, 0.8, "toast", 0.82)])


if __name__ == "__main__":
    unittest.main()
