"""Where things lie. Importing it makes what tools/oracles and tools/models share importable."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build/release/rba-convert"
CACHE = ROOT / ".cache/comparison"
PREPARED = CACHE / "models"
for folder in ("tools/oracles", "tools/models"):
    if str(ROOT / folder) not in sys.path:
        sys.path.append(str(ROOT / folder))
