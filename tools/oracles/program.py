"""Runs the built program, and keeps count of what was expected of it."""

import dataclasses
import json
import pathlib
import subprocess


@dataclasses.dataclass
class Outcome:
    status: int
    stdout: str
    stderr: str

    @property
    def json(self):
        return json.loads(self.stdout)


class Program:
    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()

    def __call__(self, *arguments, timeout=900):
        """A run that exceeds `timeout` seconds has no status but 'timeout'."""
        command = [str(self.path), *map(str, arguments)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return Outcome("timeout", "", "")
        return Outcome(done.returncode, done.stdout, done.stderr)


class Checks:
    """A table of what was measured and what was asked, one row each."""

    def __init__(self):
        self.failures = 0

    def row(self, subject, figure, measured, asked, passed):
        self.failures += not passed
        if isinstance(measured, float):
            measured = f"{measured:.6g}"
        print(f"{'ok' if passed else 'FAIL':5}{subject:22} {figure:44} {measured!s:>22}  {asked}",
              flush=True)

    def status(self, subject, figure, outcome, expected=0):
        """Whether a run ended as expected; prints its complaint if not."""
        passed = outcome.status == expected
        self.row(subject, figure, outcome.status, f"= {expected}", passed)
        if not passed:
            print("      " + outcome.stderr.strip().replace("\n", "\n      "), flush=True)
        return passed
