#!/usr/bin/env python3
"""Copies models with the built program and compares them as messages: round_trip.py PROGRAM [--debian].

The models: every node case of the ONNX project, the models inside the onnx wheel, and with --debian those
of Debian's libonnx-testdata, which apt-get fetches. Each is copied, and the copy must be an equal message.
Prints what failed and the scoreboard; exits 1 if anything did.
"""

import collections
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

import onnx

import compare_messages
import operator_cases
from launcher import Launcher

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
JOBS = os.cpu_count()
TIMEOUT = 60

# Node cases that others read and write to an equal model. Figures quoted from elsewhere, of the versions
# there; they are not measured here.
OTHERS = {"onnx-ir": 1884, "onnxsim": 1883, "graphsurgeon": 1876, "onnxslim": 1789}


def node_cases():
    folder = CACHE / "node-cases"
    operator_cases.prepare(folder)
    return sorted(folder.glob("*/model.onnx"))


def wheel():
    data = pathlib.Path(onnx.__file__).parent / "backend/test/data"
    return sorted(path for part in ("light", "simple", "pytorch-operator", "pytorch-converted")
                  for path in (data / part).rglob("*.onnx"))


def debian():
    folder = CACHE / "libonnx-testdata"
    if not folder.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            subprocess.run(["apt-get", "download", "--quiet", "libonnx-testdata"], cwd=place, check=True,
                           stdout=subprocess.DEVNULL)
            package, = pathlib.Path(place).glob("*.deb")
            subprocess.run(["dpkg-deb", "--extract", package, f"{place}/files"], check=True)
            pathlib.Path(place, "files").rename(folder)
    return sorted(folder.rglob("*.onnx"))


def copied(program, launcher, source, route, folder):
    """What is wrong with a copy of `source` by way of files of the kinds in `route`, or None."""
    files = [source, *(folder / f"copy{index}.{kind}" for index, kind in enumerate(route))]
    try:
        for first, second in zip(files, files[1:]):
            done = launcher([program, "copy", first, second], folder, TIMEOUT)
            if done.status != 0:
                return f"{second.suffix}: exit {done.status}: {done.stderr.strip()[:200]}"
        return compare_messages.difference(source, files[-1])
    finally:
        for file in files[1:]:
            file.unlink(missing_ok=True)


def failures(program, launchers, sources, route, folder):
    """(source, complaint) of each model that does not come back equal."""
    def lane(number):
        place = folder / str(number)
        place.mkdir(exist_ok=True)
        return [(source, copied(program, launchers[number], source, route, place))
                for source in sources[number::JOBS]]

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = [result for part in pool.map(lane, range(JOBS)) for result in part]
    return [(source, complaint) for source, complaint in results if complaint]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    suites = {"node cases": node_cases, "onnx wheel": wheel}
    if "--debian" in sys.argv:
        suites["libonnx-testdata"] = debian
    routes = {".onnx": ["onnx"], ".safetensors": ["safetensors", "onnx"]}
    launchers = [Launcher() for _ in range(JOBS)]
    scores = collections.defaultdict(dict)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for suite, models in suites.items():
            sources = models()
            if not sources:
                sys.exit(f"{suite}: no models were found")
            for name, route in routes.items():
                found = failures(program, launchers, sources, route, pathlib.Path(folder))
                for source, complaint in found:
                    print(f"FAIL {source.parent.name}/{source.name} by {name}: {complaint}")
                scores[suite][name] = (len(sources) - len(found), len(sources))
                failed += len(found)
    for launcher in launchers:
        launcher.close()
    print(f"{'read, written, equal':24}" + "".join(f"{suite:>20}" for suite in suites))
    for name in routes:
        cells = ("{} of {}".format(*scores[suite][name]) for suite in suites)
        print(f"{'rba-convert, ' + name:24}" + "".join(f"{cell:>20}" for cell in cells))
    for name, score in OTHERS.items():
        print(f"{name + ', quoted':24}{score:>12} of 1884")
    if failed:
        sys.exit(f"{failed} copies are not equal")


if __name__ == "__main__":
    main()
