"""One model with its data, as tools/compare-methods compares methods on it.

A module in tools/comparison/models offers `prepare(cache: Path) -> Case`: it makes or finds the
files, keeps what it makes below `cache`, and is quick where they are there already.
"""
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    name: str
    """How tables, files and the command line call it: letters, digits and hyphens."""

    model: Path
    """The ONNX file; its batch is free, or one sample is run at a time."""

    calibration: Path
    """What every method may see: a .safetensors or .npz of one array per model input, named as the
    input, samples along the first axis, and `labels` where the labels are for the methods too."""

    test: Path
    """What models are scored on, once, by onnxruntime: laid out as `calibration`, other samples."""

    labels: str | None = None
    """The array of `test` that holds the truth, or None where outputs are held to the original
    model's. Integers: one class per sample, or one per position, negative where none counts."""

    metric: str = "cosine"
    """What the table ranks by, a function of tools/comparison/metrics.py: "accuracy" (needs labels),
    "top1" (the original's largest class kept), "cosine" (mean over the last axis) or
    "relative_error" (unexplained variance). All that can be computed go into the CSV."""

    published_spans: tuple[str, ...] = ()
    """Settings of TOAST to be fitted as given, each as for --spans: "2:3", "2:4,6:8"."""

    options: tuple[str, ...] = ()
    """More options for every run of the program, for instance ("--samples", "128")."""

    output: str | None = None
    """The output that is scored; None is the first."""
