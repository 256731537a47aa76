#!/usr/bin/env python3
"""Feeds the built program malformed and hostile ONNX files: hostile_onnx.py PROGRAM [GROUP ...] [--compare].

Each refused file must end with the exit status for it (65; 66 where a data file is missing) and one error
line that names a file, print nothing, take less than a second and 200 MB, and leave every file as it was.
Each group has valid files beside the malformed, which must be accepted. Prints a row for each failure and
a count for each group; exits 1 if a row failed. With --compare, also what onnx.checker says of each.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

import compare_messages
import refusals
from hostile import encoding, execution, external_data, functions, graphs, other_files, parts, tensors
from launcher import Launcher

GROUPS = {"encoding": encoding, "tensors": tensors, "graphs": graphs, "functions": functions,
          "external-data": external_data, "parts": parts, "other-files": other_files, "execution": execution}
# What a refusal may take. A run that exceeds its seconds may be repeated: others use the machine too.
SECONDS, BYTES = 1.0, 200_000_000
ATTEMPTS, TIMEOUT = 3, 10
JOBS = os.cpu_count()

CHECKER = """
import sys, onnx
try: onnx.checker.check_model(sys.argv[1])
except BaseException as error: sys.exit((str(error).strip() or repr(error)).splitlines()[0][:120])
"""


def commands(case):
    """The arguments the case is tried with."""
    for verb in case.verbs:
        yield [verb, "model/model.onnx", *(["model/copied.onnx"] if verb == "copy" else []), *case.options]


def arrange(case, folder):
    (folder / "model").mkdir(parents=True)
    if case.data is not None:
        (folder / "model" / "model.onnx").write_bytes(case.data)
    if case.arrange:
        case.arrange(folder / "model")


def snapshot(folder):
    """Every file under `folder`: what it is, and what is in it."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = pathlib.Path(parent, name)
            mode = path.lstat().st_mode
            contents = os.readlink(path) if stat.S_ISLNK(mode) else ""
            if stat.S_ISREG(mode):
                contents = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(folder))] = (mode, contents)
    return found


def judge_refusal(case, outcome, before, after):
    """What is wrong with a refusal, or None."""
    if outcome.status is None:
        return f"still running after {TIMEOUT} s"
    words = [case.words] if case.words else []
    if complaint := refusals.fault(outcome, {case.status}, ["model|absent", *words]):
        return complaint
    if not all(line.isprintable() for line in outcome.stderr.split("\n")):
        return f"prints control characters: {outcome.stderr!r}"
    if before != after:
        return f"changed {sorted(set(before.items()) ^ set(after.items()))[0][0]}"
    if outcome.seconds > SECONDS:
        return f"took {outcome.seconds:.2f} s"
    if outcome.peak > BYTES:
        return f"took {outcome.peak / 1e6:.0f} MB"
    return None


def judge_acceptance(command, outcome, folder):
    """What is wrong with the way a valid file was taken, or None."""
    if outcome.status != 0:
        return f"expected exit 0, got {outcome.status}: {outcome.stderr.strip()[:200]}"
    if command[0] == "copy":
        different = compare_messages.difference(folder / "model/model.onnx", folder / "model/copied.onnx")
        return different and f"the copy differs: {different}"
    return None


def attempt(program, launcher, case, folder):
    """Tries the case every way; yields (command, complaint or None, measurement)."""
    for command in commands(case):
        for _ in range(ATTEMPTS):
            before = snapshot(folder)
            outcome = launcher([program, *command], folder, TIMEOUT)
            if outcome.status is not None and outcome.seconds <= SECONDS:
                break
        complaint = judge_acceptance(command, outcome, folder) if case.status == 0 else \
            judge_refusal(case, outcome, before, snapshot(folder))
        yield command, complaint, outcome


def verdict_of_checker(folder):
    done = subprocess.run([sys.executable, "-c", CHECKER, "model/model.onnx"], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return "accepted" if done.returncode == 0 else (done.stderr.strip() or f"exit {done.returncode}")[:120]


def check(program, names, folder, compares=False):
    """Tries every case of the groups; returns how many failed."""
    program = pathlib.Path(program).resolve()
    failed = 0
    launchers = [Launcher() for _ in range(JOBS)]
    pool = concurrent.futures.ThreadPoolExecutor(JOBS)
    for group in names:
        cases = list(GROUPS[group].cases())
        assert len({case.name for case in cases}) == len(cases), f"two cases of one name in {group}"
        places = [folder / group / str(index) for index in range(len(cases))]
        for case, place in zip(cases, places):
            arrange(case, place)

        def lane(number):
            return [(index, list(attempt(program, launchers[number], cases[index], places[index])))
                    for index in range(number, len(cases), JOBS)]

        results = dict(result for part in pool.map(lane, range(JOBS)) for result in part)
        failures, peak, seconds = set(), 0, 0.0
        for index, case in enumerate(cases):
            for command, complaint, outcome in results[index]:
                if case.status != 0:
                    peak, seconds = max(peak, outcome.peak), max(seconds, outcome.seconds)
                if complaint:
                    failures.add(index)
                    print(f"FAIL {group}/{case.name}: {command[0]}: {complaint}")
            if compares and case.data is not None and not case.options:
                asked = "accepted" if case.status == 0 else "refused"
                print(f"     {group}/{case.name}: {asked}; checker: {verdict_of_checker(places[index])}")
        refused = sum(case.status != 0 for case in cases)
        print(f"{'FAIL' if failures else 'ok':5}{group:14} {refused:4} refused {len(cases) - refused:4} accepted "
              f"{len(failures):4} failed   refusals take at most {seconds:.2f} s, {peak / 1e6:.0f} MB", flush=True)
        failed += len(failures)
    for launcher in launchers:
        launcher.close()
    return failed


def main():
    arguments = [argument for argument in sys.argv[2:] if argument != "--compare"]
    with tempfile.TemporaryDirectory() as folder:
        failed = check(sys.argv[1], arguments or GROUPS, pathlib.Path(folder), "--compare" in sys.argv)
    if failed:
        sys.exit(f"{failed} cases failed")


if __name__ == "__main__":
    main()
