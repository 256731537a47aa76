"""Makes the models: one run for each setting of a method, kept under the digests of what went in."""
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from methods import METHODS, Setting
from store import digest, key, write

HERE = Path(__file__).resolve().parent
PRUNING = HERE / "onnxsim_pruning.py"
USAGE = 64


def was_killed(status):
    """Whether a signal ended a process."""
    return isinstance(status, int) and status < 0


@dataclass
class Run:
    setting: Setting
    scores: dict | None
    """What `Scorer.score` says of the model; None where there is none."""
    problem: str = ""
    """Why there is none, or what is wrong with it."""
    status: int | str = 0
    spans: str = ""
    """What the program says it replaced, and by which form."""
    seconds: float = 0.0
    is_cached: bool = False


class Runner:
    """Runs of one case. A run that ran out of time is tried again only where it is allowed more; one that a
    signal ended, for lack of memory or by hand, says nothing of the method and isn't kept."""

    def __init__(self, case, scorer, folder, program, *, threads=0, time_limit=None,
                 trusts_baselines=False, keeps_models=False):
        self.case, self.scorer, self.folder, self.program = case, scorer, folder, Path(program).resolve()
        self.threads, self.time_limit = threads, time_limit
        self.trusts_baselines, self.keeps_models = trusts_baselines, keeps_models
        self.version = digest(self.program)
        self.pruning = ["onnxsim", version("onnxsim"), digest(PRUNING), digest(HERE / "surgery.py")]
        self.data = [digest(case.model), digest(case.calibration), *case.options]

    def run(self, setting):
        what = [*self.pruning, setting.dropped] if setting.dropped else [*setting.arguments]
        identity = key(*self.data, what, *self.scorer.basis)
        stored = self.folder / f"{identity}.json"
        model = self.folder / f"{identity}.onnx"
        if stored.exists():
            record = json.loads(stored.read_text())
            if self._counts(record, setting, model):
                return self._run(setting, record, is_cached=True)
        record = self._make(setting, model)
        if not was_killed(record["status"]):
            write(stored, json.dumps(record, sort_keys=True))
        return self._run(setting, record)

    def _counts(self, record, setting, model):
        if was_killed(record["status"]):
            return False
        is_baseline = not METHODS[setting.method].is_ours
        is_trusted = self.trusts_baselines and is_baseline
        if not setting.dropped and record["program"] != self.version and not is_trusted:
            return False
        if record["status"] == "time limit":
            return self.time_limit is not None and self.time_limit <= record["seconds"]
        return not (self.keeps_models and record["scores"]) or model.exists()

    def _make(self, setting, model):
        self.folder.mkdir(parents=True, exist_ok=True)
        record = {"program": self.version, "status": 0, "problem": "", "scores": None, "spans": "",
                  "setting": [setting.method, setting.label, *setting.arguments]}
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            out = Path(folder) / "out.onnx"
            command = self._pruning(setting, out) if setting.dropped else self._conversion(setting, out)
            started = time.monotonic()
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                      timeout=self.time_limit)
            except subprocess.TimeoutExpired:
                record |= {"status": "time limit", "seconds": self.time_limit,
                           "problem": f"took more than {self.time_limit:g} s"}
                return record
            record |= {"status": done.returncode, "seconds": time.monotonic() - started}
            if was_killed(done.returncode):
                record["problem"] = f"ended by {signal.Signals(-done.returncode).name}"
                return record
            if done.returncode or not out.exists():
                lines = [line for line in done.stderr.splitlines() if line.strip()]
                errors = [line for line in lines if ": error: " in line] or lines[-1:]
                record["problem"] = errors[0].split(": error: ")[-1] if errors else "no model written"
                return record
            if not setting.dropped:
                spans = json.loads(done.stdout)["spans"]
                record["spans"] = " ".join(f"{span['label']}={span['form']}" for span in spans)
            try:
                record["scores"] = self.scorer.score(out)
                if broken := record["scores"]["broken"]:
                    record["problem"] = f"outputs of {broken} samples aren't finite"
            except Exception as error:  # onnxruntime's, of a model that it does not take: a result too
                record["problem"] = f"onnxruntime: {str(error).splitlines()[0]}"
            if self.keeps_models:
                shutil.move(out, model)
        return record

    def _conversion(self, setting, out):
        threads = ("--threads", str(self.threads)) if self.threads else ()
        return [str(self.program), str(self.case.model), str(out), "--calibration",
                str(self.case.calibration), *self.case.options, *setting.arguments, *threads, "--json"]

    def _pruning(self, setting, out):
        return [sys.executable, str(PRUNING), str(self.case.model), str(self.case.calibration), str(out),
                str(setting.dropped)]

    @staticmethod
    def _run(setting, record, is_cached=False):
        return Run(setting, record["scores"], record["problem"], record["status"], record["spans"],
                   record["seconds"], is_cached)
