import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import runs
from case import Case
from methods import Setting

# Counts its runs in the file beside it, and ends as the last option says.
PROGRAM = f"""#!{sys.executable}
import json, os, pathlib, signal, sys, time
with open(__file__ + ".runs", "a") as file:
    file.write("x")
ending = sys.argv[sys.argv.index("--ending") + 1]
if ending == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if ending == "slow":
    time.sleep(60)
if ending == "refused":
    sys.exit("program: error: refused")
pathlib.Path(sys.argv[2]).write_bytes(b"a model")
print(json.dumps({{"spans": []}}))
"""


class Scorer:
    basis = ["basis"]

    def __init__(self, broken=0):
        self.broken = broken

    def score(self, path):
        return {"parameters": 1, "broken": self.broken}


class RunnerTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.program = self.folder / "program"
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)
        data = self.folder / "data"
        data.touch()
        self.case = Case("case", data, data, data)

    def runner(self, time_limit=None, **scorer):
        return runs.Runner(self.case, Scorer(**scorer), self.folder / "runs", self.program, time_limit=time_limit)

    def ended(self, ending, **scorer):
        return self.runner(**scorer).run(Setting("ours", ending, ("--ending", ending)))

    def times_run(self):
        return len(self.program.with_name("program.runs").read_text())

    def stored(self):
        return list((self.folder / "runs").glob("*.json"))

    def test_what_ran_to_its_end_is_kept(self):
        for ending, status in (("well", 0), ("refused", 1)):
            first, second = self.ended(ending), self.ended(ending)
            self.assertEqual((first.status, first.is_cached), (status, False))
            self.assertEqual((second.status, second.is_cached, second.problem), (status, True, first.problem))
        self.assertEqual(self.times_run(), 2)

    def test_what_a_signal_ended_is_run_again(self):
        for _ in range(2):
            run = self.ended("killed")
            self.assertEqual((run.problem, run.is_cached, run.scores), ("ended by SIGKILL", False, None))
            self.assertEqual(self.stored(), [])
        self.assertEqual(self.times_run(), 2)

    def test_a_killed_run_that_was_kept_once_does_not_count(self):
        self.ended("well")
        (path,) = self.stored()
        path.write_text(json.dumps(json.loads(path.read_text()) | {"status": -9, "scores": None}))
        run = self.ended("well")
        self.assertEqual((run.status, run.is_cached), (0, False))

    def test_an_interrupted_run_is_not_kept(self):
        with mock.patch.object(subprocess, "run", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                self.ended("well")
        self.assertEqual(list((self.folder / "runs").iterdir()), [])

    def test_a_time_limit_is_met_again_by_another_program_alone(self):
        for program, is_cached in (("", False), ("", True), ("# faster", False)):
            self.program.write_text(PROGRAM + program)
            run = self.ended("slow", time_limit=1)
            self.assertEqual((run.status, run.is_cached), ("time limit", is_cached))

    def test_a_model_whose_outputs_are_not_finite_is_told_of(self):
        self.assertEqual(self.ended("well", broken=3).problem, "outputs of 3 samples aren't finite")

    def test_another_pruning_script_makes_another_run(self):
        setting = Setting("onnxsim", "1 sub-block", dropped=1)
        script = self.folder / "pruning.py"
        with mock.patch.object(runs, "PRUNING", script):
            for text, count in (("", 1), ("", 1), ("# changed", 2)):
                script.write_text(text)
                self.runner().run(setting)
                self.assertEqual(len(self.stored()), count)


if __name__ == "__main__":
    unittest.main()
