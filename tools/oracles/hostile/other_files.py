"""Files that are no ONNX model at all, or only its beginning."""

import gzip
import io
import json
import os
import pickle
import zipfile

import numpy as np
from PIL import Image
from safetensors.numpy import save

from .case import MISSING, Case, accepted, model, node, refused
from .tensors import tensor

POINTER = """version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345
"""
# How many prefixes of a model are tried.
CUTS = 24


def zipped(compression):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("model.onnx", whole())
    return stream.getvalue()


def checkpoint():
    """A .pt file: a zip archive of a pickle and its data."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": 1}, protocol=2))
        archive.writestr("archive/version", "3\n")
    return stream.getvalue()


def picture(kind):
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 30)).save(stream, kind)
    return stream.getvalue()


def array():
    stream = io.BytesIO()
    np.save(stream, np.arange(12.0))
    return stream.getvalue()


def whole():
    """A model whose last field is its graph, so that each of its prefixes is malformed."""
    message = model([node("Add", "x w", "y")], initializers=[tensor(1, [4], raw_data=bytes(16))])
    message.graph.initializer[0].name = "w"
    graph = message.graph.SerializeToString()
    message.ClearField("graph")
    return message.SerializeToString() + b"\x3a" + bytes([len(graph) & 0x7F | 0x80, len(graph) >> 7]) + graph


def cases():
    yield accepted("a model", whole())
    yield accepted("by way of a link", whole(), relink)
    yield refused("empty", b"")
    yield refused("one byte", b"\x08")
    yield refused("zeros", bytes(4096))
    yield refused("0xFF", b"\xff" * 4096)
    yield refused("text", b"hello world, not a model\n" * 10)
    yield refused("lines", b"\n" * 1000)
    yield refused("UTF-16 text", "not a model".encode("utf-16"))
    yield refused("HTML", b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n")
    yield refused("JSON", json.dumps({"model": {"graph": []}}).encode())
    yield refused("a Git LFS pointer", POINTER.encode(), "(?i)git.?lfs")
    yield refused("a script", b"#!/usr/bin/env python3\nimport os\nos.abort()\n")
    yield refused("PNG", picture("PNG"))
    yield refused("JPEG", picture("JPEG"))
    yield refused("a gzip stream", gzip.compress(whole(), mtime=0))
    yield refused("a zip archive, stored", zipped(zipfile.ZIP_STORED))
    yield refused("a zip archive, deflated", zipped(zipfile.ZIP_DEFLATED))
    yield refused("a .pt checkpoint", checkpoint())
    yield refused("a pickle", pickle.dumps({"weight": [1.0, 2.0]}))
    yield refused("a pickle that runs commands", b"cos\nsystem\n(S'touch owned'\ntR.")
    yield refused("safetensors", save({"w": np.zeros(4, "f4")}))
    yield refused("npy", array())
    yield refused("a program", b"\x7fELF\x02\x01\x01" + bytes(57))
    yield refused("a flat buffer", b"\x18\0\0\0ORTM" + bytes(56))
    yield refused("TFLite", b"\x1c\0\0\0TFL3" + bytes(56))
    yield refused("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(56))
    yield refused("GGUF", b"GGUF\x03\0\0\0" + bytes(56))
    yield refused("a tensor", tensor(1, [4], raw_data=bytes(16)))
    yield refused("bytes without a pattern", bytes((index * 73 + 41) % 256 for index in range(256)))
    yield refused("a model, then text", whole() + b"hello world")
    contents = whole()
    for index in range(CUTS):
        length = 1 + index * (len(contents) - 2) // (CUTS - 1)
        yield refused(f"the first {length} of {len(contents)} bytes", contents[:length])
    yield Case("nothing there", None, MISSING)
    yield Case("a link to nothing", None, MISSING, "", lambda folder: (folder / "model.onnx").symlink_to("absent"))
    yield Case("a link to itself", None, 65, "", lambda folder: (folder / "model.onnx").symlink_to("model.onnx"))
    yield Case("a folder", None, 65, "", lambda folder: (folder / "model.onnx").mkdir())
    yield Case("a pipe", None, 65, "", lambda folder: os.mkfifo(folder / "model.onnx"))
    yield Case("a device", None, 65, "", lambda folder: (folder / "model.onnx").symlink_to("/dev/zero"))
    yield Case("a file of the system", None, 65, "", lambda folder: (folder / "model.onnx").symlink_to(
        "/proc/self/cmdline"))


def relink(folder):
    """Moves the model away and leaves a link in its place."""
    (folder / "model.onnx").rename(folder.parent / "moved.onnx")
    (folder / "model.onnx").symlink_to("../moved.onnx")
