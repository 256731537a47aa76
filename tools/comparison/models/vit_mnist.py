"""The sample of this repository: 12 blocks of width 64 on handwritten digits."""
import onnx

import surgery
from case import Case
from places import ROOT

SAMPLE = ROOT / "samples/vit-mnist"
# As the paper's tables for networks of 12 blocks have them: each block, short spans, and a few together.
SINGLE = [f"{block}:{block + 1}" for block in range(12)]
SHORT = [f"{block}:{block + 2}" for block in range(11)] + ["1:5", "2:5", "3:6", "7:10", "8:12"]
TOGETHER = ["1:2,4:5", "1:3,5:6", "2:4,6:8", "1:3,4:6", "4:6,8:10", "2:4,6:8,9:11", "3:5,6:8,9:11",
            "2:4,5:7,8:10,11:12", "3:6,7:10", "2:5,6:9,10:12"]


CASE = Case(
    name="vit-mnist", model=SAMPLE / "vit-mnist.opset17.onnx",
    calibration=SAMPLE / "calibration.safetensors", test=SAMPLE / "test.safetensors",
    labels="labels", metric="accuracy", published_spans=(*SINGLE, *SHORT, *TOGETHER))


def first_blocks(path, count):
    """Writes the sample with its final normalisation right behind the first `count` blocks."""
    model = onnx.load(str(CASE.model))
    (norm,) = (node for node in model.graph.node if "norm.weight" in node.input)
    (following,) = (node for node in model.graph.node if f"blocks.{count}.norm1.weight" in node.input)
    norm.input[0] = following.input[0]
    surgery.end_at(model, [("logits", "logits", ["batch", 10])])
    surgery.save(model, path)


def prepare(cache):
    return CASE
