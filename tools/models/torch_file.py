"""Reads the tensors of a PyTorch checkpoint of the older form, without PyTorch and without running what it says.

Such a file is five pickles (a magic number, a protocol, facts of the machine, the state dictionary with its
storages named, the storages' order) and then each storage: a count and as many elements. Of all that a
pickle can call, only what a state dictionary needs is let through.
"""

import collections
import dataclasses
import pathlib
import pickle
import struct

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8",
         "IntStorage": "<i4", "ByteStorage": "u1", "BoolStorage": "?"}


@dataclasses.dataclass(frozen=True)
class View:
    """A tensor whose storage comes later in the file."""

    storage: tuple  # key, type
    offset: int
    shape: tuple
    strides: tuple


def rebuild(storage, offset, shape, strides, *_):
    return View(storage, offset, tuple(shape), tuple(strides))


class StateDictionary(pickle.Unpickler):
    ADMITTED = {("collections", "OrderedDict"): collections.OrderedDict,
                ("torch._utils", "_rebuild_tensor_v2"): rebuild,
                **{("torch", name): kind for name, kind in TYPES.items()}}

    def find_class(self, module, name):
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"'{module}.{name}' is not part of a state dictionary")
        return self.ADMITTED[module, name]

    def persistent_load(self, reference):
        _, kind, key, _, _, parent = reference
        if parent is not None:
            raise pickle.UnpicklingError(f"storage '{key}' is part of another")
        return key, kind


def contiguous_strides(shape):
    return tuple(int(np.prod(shape[axis + 1:])) for axis in range(len(shape)))


def load(path):
    """Name to array."""
    with pathlib.Path(path).open("rb") as file:
        magic, _, _, state, keys = (StateDictionary(file).load() for _ in range(5))
        if magic != MAGIC:
            raise ValueError(f"{path}: expected a PyTorch checkpoint of the older form")
        kinds = dict(view.storage for view in state.values())
        storages = {}
        for key in keys:
            (count,) = struct.unpack("<q", file.read(8))
            kind = np.dtype(kinds[key])
            storages[key] = np.frombuffer(file.read(count * kind.itemsize), kind, count)
    return {name: array(view, storages[view.storage[0]]) for name, view in state.items()}


def array(view, storage):
    count = int(np.prod(view.shape))
    if count <= 1 or view.strides == contiguous_strides(view.shape):
        return storage[view.offset : view.offset + count].reshape(view.shape)
    last = view.offset + sum((extent - 1) * stride for extent, stride in zip(view.shape, view.strides))
    if min(view.strides) < 0 or last >= len(storage):
        raise ValueError(f"a tensor of shape {view.shape} leaves its storage")
    strides = [stride * storage.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(storage[view.offset:], view.shape, strides, writeable=False)
