import argparse
import unittest

import compare


class BudgetTests(unittest.TestCase):
    def test_numbers_are_counts_or_percentages(self):
        for text, expected in (("3", [90, 55, 20]), ("20%", [20]), ("7.5", [7.5]), ("60,80%", [80, 60]), ("45", [45])):
            self.assertEqual(compare.budgets(text), expected)

    def test_what_is_neither_is_refused(self):
        for text in ("", "1", "0", "0%", "-5", "101", "x", "80,", "nan"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=text):
                compare.budgets(text)


if __name__ == "__main__":
    unittest.main()
