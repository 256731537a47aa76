"""Pictures of many kinds of things: those of Debian's tuxpaint-stamps-default, on a light ground.

Signs and letters are left out, and so is what is smaller than it would be shown; the rest is dealt so that
every kind is spread evenly over the order, and pictures of one name (one thing in several poses) stay apart
by chance only.
"""

import numpy as np
from PIL import Image

import sources

LEFT_OUT = {"symbols"}
SMALLEST = 96
GROUND = (236, 238, 232)


def files():
    """Places of the pictures in an order that depends on their names alone."""
    folder = sources.debian_folder("tuxpaint-stamps-default")
    found = sorted(path for path in folder.rglob("*.png")
                   if path.relative_to(folder).parts[0] not in LEFT_OUT and not path.stem.endswith("_mirror"))
    order = np.random.default_rng(0).permutation(len(found))
    return [found[index] for index in order]


def opened(path):
    picture = Image.open(path).convert("RGBA")
    canvas = Image.new("RGBA", picture.size, (*GROUND, 255))
    return Image.alpha_composite(canvas, picture).convert("RGB")


def pictures(count):
    """The first `count` pictures that are large enough."""
    result = []
    for path in files():
        picture = opened(path)
        if max(picture.size) >= SMALLEST:
            result.append(picture)
            if len(result) == count:
                return result
    raise ValueError(f"expected {count} pictures, got {len(result)}")
