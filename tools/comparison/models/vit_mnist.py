"""The sample of this repository: 12 blocks of width 64 on handwritten digits."""
from pathlib import Path

from case import Case

SAMPLE = Path(__file__).resolve().parents[3] / "samples/vit-mnist"
# As the paper's tables for networks of 12 blocks have them: each block, short spans, and a few together.
SINGLE = [f"{block}:{block + 1}" for block in range(12)]
SHORT = [f"{block}:{block + 2}" for block in range(11)] + ["1:5", "2:5", "3:6", "7:10", "8:12"]
TOGETHER = ["1:2,4:5", "1:3,5:6", "2:4,6:8", "1:3,4:6", "4:6,8:10", "2:4,6:8,9:11", "3:5,6:8,9:11",
            "2:4,5:7,8:10,11:12", "3:6,7:10", "2:5,6:9,10:12"]


def prepare(cache=None):
    return Case(
        name="vit-mnist", model=SAMPLE / "vit-mnist.opset17.onnx",
        calibration=SAMPLE / "calibration.safetensors", test=SAMPLE / "test.safetensors",
        labels="labels", metric="accuracy", published_spans=(*SINGLE, *SHORT, *TOGETHER))
