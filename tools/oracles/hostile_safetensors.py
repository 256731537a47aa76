#!/usr/bin/env python3
"""Feeds the built program odd, malformed and hostile safetensors files: hostile_safetensors.py PROGRAM [GROUP ...].

Groups: format, model, index. Files of the first are judged by the `safetensors` package: what it refuses
must be refused, what it accepts must be read, unless the case says why this reader is stricter. A file that
is read but holds no graph is told so. Whatever is refused must end with status 65 (66 where a file is
missing) and one line that names a file, within a second and 200 MB, and leave every file as it was.
Prints a row for each failure and a count for each group; exits 1 if a row failed.
"""

import base64
import dataclasses
import json
import os
import pathlib
import struct
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import onnx
import safetensors
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

import compare_messages
import hostile_onnx
import refusals
from launcher import Launcher

ACCEPTED, MALFORMED, MISSING = 0, 65, 66
NO_GRAPH = "but no graph"
# Where this reader refuses what the package reads, and why.
STRICTER = {
    "names": "two tensors of one name: the package takes the last and says nothing of the first",
    "fields": "two fields of one name in a tensor, or two metadata entries",
    "six bits": "elements of six bits, which no tensor of ONNX has",
    "unknown": "a field without meaning, which a later format may mean to be heeded",
    "null": "metadata that are null, where the format says a map of strings",
    "begin": "white space before the header's first brace, which the format's text forbids",
    "extents": "extents beside a zero whose product overflows: strides are made of them",
}


@dataclasses.dataclass(frozen=True)
class Case:
    """What lies in the folder, and how the program must end on `file` in it."""

    name: str
    arrange: Callable[[pathlib.Path], None]
    status: int = MALFORMED
    words: str = ""
    file: str = "m.safetensors"


# --- The format

def file(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(dtype="U8", shape=(1,), begin=0, end=1, **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


def one(data=1, **fields):
    """A file of one tensor, the fields of its entry given as JSON text."""
    texts = {"dtype": '"U8"', "shape": "[1]", "data_offsets": f"[0,{data}]", **fields}
    members = ",".join(f'"{key}":{text}' for key, text in texts.items() if text is not None)
    return file(f'{{"a":{{{members}}}}}', bytes(data))


def several(data, **entries):
    return file(json.dumps(entries, separators=(",", ":")), bytes(data))


def format_files():
    """(name, contents, why this reader is stricter)."""
    tensor = json.dumps(entry())
    yield "no tensors", file("{}"), None
    yield "no bytes", b"", None
    for count in range(1, 8):
        yield f"{count} bytes", bytes(count), None
    yield "length zero", bytes(8), None
    for name, length in {"past the end by one": 3, "limit": 100_000_000, "above the limit": 100_000_001,
                         "top of 63 bits": 2**63 - 1, "bit 63": 2**63, "top of 64 bits": 2**64 - 1,
                         "wraps with the eight": 2**64 - 8}.items():
        yield f"length {name}", file("{}", length=length), None
    yield "length inside the header", file(f'{{"a":{tensor}}}', bytes(1), length=10), None
    for name, header in {
            "byte order mark": b"\xef\xbb\xbf{}", "UTF-16": '{"a":1}'.encode("utf-16"), "byte 255": b"\xff",
            "continuation alone": b'{"\x80":' + tensor.encode() + b"}",
            "overlong slash": b'{"\xc0\xaf":' + tensor.encode() + b"}",
            "encoded surrogate": b'{"\xed\xa0\x80":' + tensor.encode() + b"}",
            "beyond Unicode": b'{"\xf4\x90\x80\x80":' + tensor.encode() + b"}"}.items():
        yield f"text: {name}", file(header, bytes(1)), None
    for header in ["[]", '"x"', "1", "null", "true", "{", "}", "{}x", "{}{}", "{}\0", "{/*c*/}", "{//c\n}", "{'a':1}",
                   "{,}", '{"a"}', '{"a":}', '{"a":1}', '{"a":[]}', '{"a":null}', '{"a":"x"}', " {}", "\t{}", "{}\r\t\n ",
                   '{"a":' + "[" * 200, '{"a":' + '{"a":' * 100_000, "[" * 100_000]:
        yield f"header {header[:20]!r}", file(header), "begin" if header[:1].isspace() else None
    yield "comma at the end", file(f'{{"a":{tensor},}}', bytes(1)), None
    yield "no comma", file(f'{{"a":{tensor}"b":{tensor}}}', bytes(1)), None
    for key, texts in {
            "dtype": ["1", "null", '"F128"', '"f32"', '"u8"', '""', '"I4"', '"U8 "', '"STRING"'],
            "shape": ["1", "null", '"1"', "[-1]", "[1.0]", "[1e0]", "[-0]", "[01]", "[NaN]", "[[1]]", '["1"]', "[1,]",
                      "[18446744073709551616]", "[0x1]", "[+1]", "[2]", "[0]", "[1,1,1]", "[]",
                      "[" + ",".join(["1"] * 5000) + "]"],
            "data_offsets": ["[0]", "[]", "[0,1,2]", "[-1,0]", "[0.0,1.0]", "[1,0]", "[0,18446744073709551616]",
                             '"01"', "null", "{}"]}.items():
        yield f"no {key}", one(**{key: None}), None
        for text in texts:
            yield f"{key} {text[:24]}", one(**{key: text}), None
    yield "another field", one(other="1"), "unknown"
    yield "type twice", file('{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', bytes(1)), "fields"
    yield "name twice, equal", file(f'{{"a":{tensor},"a":{tensor}}}', bytes(1)), "names"
    yield "name twice, apart", file(f'{{"a":{tensor},"a":{json.dumps(entry(begin=1, end=2))}}}', bytes(2)), "names"
    yield "name twice, once escaped", file(f'{{"a":{tensor},"\\u0061":{tensor}}}', bytes(1)), "names"
    for dtype, bits in {"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
                        "F8_E5M2FNUZ": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32,
                        "U64": 64, "I64": 64, "F64": 64, "C64": 64, "F4": 4}.items():
        size = 2 * bits // 8
        yield f"{dtype}", several(size, a=entry(dtype, [2], 0, size)), None
        yield f"{dtype}, one byte more", several(size + 1, a=entry(dtype, [2], 0, size + 1)), None
    yield "F4, half a byte", several(1, a=entry("F4", [1], 0, 1)), None
    yield "F6, whole bytes", several(3, a=entry("F6_E2M3", [4], 0, 3)), "six bits"
    yield "F6, the other", several(3, a=entry("F6_E3M2", [4], 0, 3)), "six bits"
    yield "F6, part of a byte", several(1, a=entry("F6_E2M3", [1], 0, 1)), None
    for shape in ([2, 2**64 - 2], [2**32, 2**32], [2**63], [2**61], [2**62, 2], [2**63, 4, 0], [0, 2**63, 4]):
        why = "extents" if 0 in shape else None
        yield f"F64{shape}", several(0, a=entry("F64", shape, 0, 0)), why
    yield "F32[2^62, 0]", several(0, a=entry("F32", [2**62, 0], 0, 0)), None
    yield "a hole", several(3, a=entry(), b=entry(begin=2, end=3)), None
    yield "begins late", several(2, a=entry(begin=1, end=2)), None
    yield "overlap", several(3, a=entry(shape=[2], end=2), b=entry(shape=[2], begin=1, end=3)), None
    yield "same bytes", several(1, a=entry(), b=entry()), None
    yield "empty between", several(2, a=entry(), e=entry(shape=[0], begin=1, end=1), b=entry(begin=1, end=2)), None
    yield "empty inside", several(2, a=entry(shape=[2], end=2), e=entry(shape=[0], begin=1, end=1)), None
    yield "empty past the end", several(1, a=entry(), e=entry(shape=[0], begin=9, end=9)), None
    yield "in another order", several(2, b=entry(begin=1, end=2), a=entry()), None
    yield "bytes behind", several(2, a=entry()), None
    yield "bytes behind nothing", file("{}", b"x"), None
    yield "bytes missing", several(3, a=entry(shape=[4], end=4)), None
    for name in ["", "\0", "../../etc/passwd", "a" * 100_000, "\u202e\u001b[31m", "\n", "__metadata", "é", "😀"]:
        yield f"name {name[:12]!r}", several(1, **{name: entry()}), None
    yield "two names, composed and not", several(2, **{"é": entry(), "é": entry(begin=1, end=2)}), "names"
    for text in [r"\ud800", r"\udc00", r"\ud800x", r"\x", r"\u12", r"\u{41}", "\x01", "\n"]:
        yield f"name text {text!r}", file(f'{{"{text}":{tensor}}}', bytes(1)), None
    for text in ["{}", '{"k":"v"}', '{"k":1}', '{"k":null}', '{"k":{"x":"y"}}', '["x"]', '"x"', "1", '{"k":["v"]}',
                 '{"k":' + "[" * 100_000 + "]" * 100_000 + "}"]:
        yield f"metadata {text[:20]}", file(f'{{"__metadata__":{text}}}'), None
    yield "metadata null", file('{"__metadata__":null}'), "null"
    yield "metadata twice", file('{"__metadata__":{},"__metadata__":{}}'), "names"
    yield "metadata key twice", file('{"__metadata__":{"a":"1","a":"2"}}'), "fields"
    yield "metadata under an escaped name", file('{"\\u005f_metadata__":{"k":"v"}}'), None
    yield "truth value two", file(json.dumps({"a": entry("BOOL")}), b"\2"), None
    yield "four bytes at an odd place", several(5, p=entry(), a=entry("F32", [1], 1, 5)), None
    yield "many tensors", several(20_000, **{str(i): entry(begin=i, end=i + 1) for i in range(20_000)}), None


def reads(path):
    try:
        with safetensors.safe_open(path, framework="numpy") as opened:
            opened.keys()
        return True
    except safetensors.SafetensorError:
        return False


def written(contents, name="m.safetensors"):
    return lambda folder: (folder / name).write_bytes(contents)


def format_cases(_):
    """Valid files hold no graph, and are told so; malformed ones are told something else."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "x")
        for name, contents, why in format_files():
            path.write_bytes(contents)
            accepted = reads(path)
            assert why is None or why in STRICTER
            words = NO_GRAPH if accepted and not why else rf"^(?!.*{NO_GRAPH})"
            yield Case(name, written(contents), MALFORMED, words)


# --- Models

def sample():
    """A model of initializers of several types, and of a large constant."""
    weights = {"w": np.arange(6, dtype="f4").reshape(2, 3), "bias": np.ones(3, "f4"), "index": np.array([1, 2]),
               "half": np.ones((2, 2), "f2")}
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    tensors += [helper.make_tensor("nibbles", TensorProto.INT4, [3], [1, -2, 3]),
                helper.make_tensor("typed", TensorProto.FLOAT, [2], [1.0, 2.0]),
                helper.make_tensor("words", TensorProto.STRING, [1], [b"x"])]
    large = numpy_helper.from_array(np.zeros(1000, "f4"))
    nodes = [helper.make_node("Constant", [], ["large"], value=large),
             helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "bias"], ["y"])]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, [1, 2])],
                              [value("y", TensorProto.FLOAT, [1, 3])], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


FORM, MODEL, MODEL_TENSOR = "rba-convert.form", "rba-convert.model", "rba-convert.model-tensor"


def split(path):
    with safetensors.safe_open(path, framework="numpy") as opened:
        return {key: opened.get_tensor(key) for key in opened.keys()}, opened.metadata()


def edited(source, edit):
    """A file of the tensors and metadata that `edit` leaves of the file at `source`."""
    def arrange(folder):
        tensors, metadata = split(source)
        edit(tensors, metadata)
        save_file(tensors, folder / "m.safetensors", metadata)
    return arrange


def message(edit):
    """An edit of the model's message."""
    def apply(_, metadata):
        model = onnx.ModelProto.FromString(base64.b64decode(metadata[MODEL]))
        edit(model, {tensor.name: tensor for tensor in model.graph.initializer})
        metadata[MODEL] = base64.b64encode(model.SerializeToString()).decode()
    return apply


def entries(name, **changes):
    """The entries that point to tensor `name` changed, or removed where None."""
    def apply(_, tensors):
        found = {entry.key: entry.value for entry in tensors[name].external_data} | changes
        del tensors[name].external_data[:]
        for key, value in found.items():
            if value is not None:
                tensors[name].external_data.add(key=key, value=value)
    return message(apply)


def setting(target, key, value):
    return lambda tensors, metadata: (tensors if target == "tensors" else metadata).update({key: value})


def removing(target, key):
    return lambda tensors, metadata: (tensors if target == "tensors" else metadata).pop(key)


def dims(name, values):
    def apply(_, tensors):
        del tensors[name].dims[:]
        tensors[name].dims.extend(values)
    return message(apply)


def model_cases(source):
    def case(name, edit, status=MALFORMED, words=""):
        return Case(name, edited(source, edit), status, words)

    yield case("unchanged", lambda *_: None, ACCEPTED)
    yield case("foreign metadata", setting("metadata", "format", "pt"), ACCEPTED)
    yield case("other weights", setting("tensors", "bias", np.zeros(3, "f4")), ACCEPTED)
    yield case("no metadata", lambda _, metadata: (metadata.clear(), metadata.update(format="pt")), words=NO_GRAPH)
    yield case("no form", removing("metadata", FORM), words=FORM)
    for text in ["", "2", "1 ", "01", "one"]:
        yield case(f"form {text!r}", setting("metadata", FORM, text), words=FORM)
    yield case("no message", removing("metadata", MODEL), words="neither")
    yield case("two messages", setting("metadata", MODEL_TENSOR, "w"), words="both")
    for text in ["*", "AAA", "A===", "AA AA", "AAAA\n", "____", "=", "é"]:
        yield case(f"base64 {text!r}", setting("metadata", MODEL, text), words=MODEL)
    for name, contents in {"nothing": b"", "a tag": b"\x08", "zeros": bytes(64), "text": b"hello world",
                           "deep": b"\x3a\x7f" * 10_000}.items():
        text = base64.b64encode(contents).decode()
        yield case(f"message of {name}", setting("metadata", MODEL, text), words=MODEL)
    whole = base64.b64decode(split(source)[1][MODEL])
    for count in (1, 10, 100, len(whole) - 1):
        text = base64.b64encode(whole[:count]).decode()
        yield case(f"message of {count} bytes", setting("metadata", MODEL, text), words=MODEL)
    for key in ["w", "index", "nibbles", "typed", "large"]:
        yield case(f"no tensor {key}", removing("tensors", key), words=key)
    yield case("a tensor too many", setting("tensors", "more", np.zeros(1)), words="more")
    yield case("a tensor renamed", lambda tensors, _: tensors.update(v=tensors.pop("w")), words="'w'")
    for name, value in {"of more": np.zeros((2, 4), "f4"), "turned": np.zeros((3, 2), "f4"), "flat": np.zeros(6, "f4"),
                        "of integers": np.zeros((2, 3), "i4"), "of doubles": np.zeros((2, 3)), "empty": np.zeros(0, "f4"),
                        "of bytes": np.zeros(24, "u1")}.items():
        yield case(f"w {name}", setting("tensors", "w", value), words="'w'")
    yield case("nibbles as floats", setting("tensors", "nibbles", np.zeros(2, "f2")), words="nibbles")
    yield case("nibbles as integers", setting("tensors", "nibbles", np.zeros(2, "i1")), words="nibbles")
    for name, values in {"negative": [-2, 3], "overflow": [2**40, 2**40], "other": [3, 3], "huge": [2**62]}.items():
        yield case(f"dims {name}", dims("w", values), words=r"initializer\[0\]")
    for changes in [{"tensor": None}, {"tensor": ""}, {"tensor": "../w"}, {"tensor": "bias"}, {"encoding": None},
                    {"encoding": "packed"}, {"data_location": "outside"}, {"location": "/etc/passwd"},
                    {"offset": "0"}, {"length": "24"}]:
        yield case(f"entries {changes}", entries("w", **changes), words=r"initializer\[0\]")
    yield case("message tensor absent", lambda tensors, metadata: (
        metadata.pop(MODEL), metadata.update({MODEL_TENSOR: "absent"})), words=MODEL_TENSOR)
    yield case("message tensor of floats", lambda tensors, metadata: (
        metadata.pop(MODEL), metadata.update({MODEL_TENSOR: "w"})), words=MODEL_TENSOR)
    yield case("message in a tensor", lambda tensors, metadata: (
        tensors.update(message=np.frombuffer(base64.b64decode(metadata.pop(MODEL)), "u1")),
        metadata.update({MODEL_TENSOR: "message"})), ACCEPTED)
    yield case("dangling value", message(lambda model, _: model.graph.node[1].input.append("none")), words="none")
    contents = source.read_bytes()
    for count in (0, 7, 8, 100, len(contents) - 1):
        yield Case(f"{count} bytes", written(contents[:count]))
    yield Case("called .onnx", written(contents, "m.onnx"), ACCEPTED, file="m.onnx")
    yield Case("called .bin", written(contents, "m.bin"), ACCEPTED, file="m.bin")
    yield Case("called .npy", written(contents, "m.npy"), ACCEPTED, file="m.npy")
    yield Case("an .onnx called so", written(sample().SerializeToString()), ACCEPTED)
    yield Case("a pipe", lambda folder: os.mkfifo(folder / "m.safetensors"))
    yield Case("a folder", lambda folder: (folder / "m.safetensors").mkdir())
    yield Case("nothing there", lambda folder: None, MISSING)


# --- Indices

INDEX = "m.safetensors.index.json"


def sharded(source, edit=lambda folder, index: None):
    """The model in two files, changed by `edit`, which may return another index."""
    def arrange(folder):
        tensors, metadata = split(source)
        names = sorted(tensors)
        index = {"metadata": {"total_size": sum(value.nbytes for value in tensors.values()), **metadata},
                 "weight_map": {}}
        for number, part in enumerate((names[::2], names[1::2]), 1):
            save_file({name: tensors[name] for name in part}, folder / f"m-{number}.safetensors", {"format": "pt"})
            index["weight_map"] |= {name: f"m-{number}.safetensors" for name in part}
        changed = edit(folder, index)
        if changed is None or isinstance(changed, dict):
            changed = json.dumps(changed or index, indent=2)
        (folder / INDEX).write_text(changed)
    return arrange


def in_map(**changes):
    def edit(_, index):
        index["weight_map"] = {k: v for k, v in (index["weight_map"] | changes).items() if v is not None}
    return edit


def in_metadata(**changes):
    def edit(_, index):
        index["metadata"] = {k: v for k, v in (index["metadata"] | changes).items() if v is not None}
    return edit


def outside(folder, _):
    target = folder.parent / "outside.safetensors"
    (folder / "m-1.safetensors").rename(target)
    (folder / "m-1.safetensors").symlink_to(target)


def piped(folder, _):
    (folder / "m-1.safetensors").unlink()
    os.mkfifo(folder / "m-1.safetensors")


def cache(source):
    """As download caches lay it out: the folder holds links into one folder of blobs."""
    def arrange(folder):
        sharded(source)(folder)
        blobs = folder.parent / "blobs"
        blobs.mkdir()
        for number, path in enumerate(sorted(folder.iterdir())):
            path.rename(blobs / str(number))
            path.symlink_to(f"../blobs/{number}")
    return arrange


def replaced(number, contents):
    def edit(folder, _):
        (folder / f"m-{number}.safetensors").write_bytes(contents)
    return edit


def index_cases(source):
    def case(name, edit, status=MALFORMED, words=""):
        return Case(name, sharded(source, edit), status, words, INDEX)

    yield case("unchanged", lambda *_: None, ACCEPTED)
    yield Case("of links into blobs", cache(source), ACCEPTED, file=INDEX)
    yield case("foreign metadata", in_metadata(total_parameters=5, origin="x", mean=0.5), ACCEPTED)
    yield case("no size", in_metadata(total_size=None), ACCEPTED)
    for text in ["", "[]", "{", "null", "{}", '{"metadata":{}}', '{"weight_map":[]}', '{"weight_map":{"w":1}}',
                 '{"weight_map":{"w":["m-1.safetensors"]}}', '{"weight_map":{},"weight_map":{}}', "[" * 100_000,
                 '{"weight_map":{"w":"m-1.safetensors","w":"m-1.safetensors"}}', '{"weight_map":{}} x',
                 '{"weight_map":{},"metadata":{"k":{}}}']:
        yield case(f"text {text[:40]}", lambda *_, text=text: text or " ")
    yield case("no graph", in_metadata(**{FORM: None, MODEL: None}), words=NO_GRAPH)
    yield case("another field", lambda _, index: index | {"other": 1}, words="other")
    for size in (-1, 0, 10**30, 1.5, "1", None):
        yield case(f"size {size}", in_metadata(total_size=size) if size is not None else
                   (lambda _, index: json.dumps(index).replace('"total_size": ', '"total_size": null, "x": ')),
                   words="total_size|bytes in all")
    for name in ["../m-1.safetensors", "/etc/passwd", "/m-1.safetensors", "a/m-1.safetensors", "", ".", "..",
                 ".safetensors", "m-1.safetensors\0", "m-1.bin", "m-1.safetensors/"]:
        yield case(f"file {name!r}", in_map(w=name), words="'w'|beside the index")
    yield case("file missing", in_map(none="m-3.safetensors"), MISSING, "m-3")
    yield case("tensor missing", in_map(none="m-1.safetensors"), words="'none'")
    yield case("tensor too many", in_map(w=None), words="'w'")
    yield case("tensor elsewhere", lambda _, index: index["weight_map"].update(
        w=["m-2.safetensors", "m-1.safetensors"][index["weight_map"]["w"] == "m-2.safetensors"]), words="'w'")
    yield case("a file outside", outside, words="outside")
    for name, contents in {"empty": b"", "ONNX": b"\x08\x0a\x12\x00", "cut": source.read_bytes()[:100]}.items():
        yield case(f"a file that is {name}", replaced(1, contents), words="m-1")
    yield case("a file that is a pipe", piped, words="m-1")
    yield case("the index as a file of its own", in_map(w=INDEX), words="'w'|beside the index")


# --- Trying them

GROUPS = {"format": format_cases, "model": model_cases, "index": index_cases}


def judge(case, outcome, before, after, folder):
    """What is wrong with the way the program ended, or None."""
    if outcome.status is None:
        return f"still running after {hostile_onnx.TIMEOUT} s"
    if case.status == ACCEPTED:
        if outcome.status != 0:
            return f"expected exit 0, got {outcome.status}: {outcome.stderr.strip()[:200]}"
        return compare_messages.difference(folder / "copied.onnx", folder.parent / "expected.onnx") \
            if case.name != "other weights" and case.name != "an .onnx called so" else None
    if complaint := refusals.fault(outcome, {case.status}, ["model", *([case.words] if case.words else [])]):
        return complaint
    if not all(line.isprintable() for line in outcome.stderr.split("\n")):
        return f"prints control characters: {outcome.stderr!r}"
    if before != after:
        return f"changed {sorted(set(before) ^ set(after))}"
    if outcome.seconds > hostile_onnx.SECONDS:
        return f"took {outcome.seconds:.2f} s"
    if outcome.peak > hostile_onnx.BYTES:
        return f"took {outcome.peak / 1e6:.0f} MB"
    return None


def check(program, names, folder):
    """Tries every case of the groups; returns how many failed."""
    launcher, failed = Launcher(), 0
    original, source = folder / "sample.onnx", folder / "sample.safetensors"
    original.write_bytes(sample().SerializeToString())
    made = launcher([program, "copy", original, source], folder, hostile_onnx.TIMEOUT)
    assert made.status == 0, made.stderr
    for group in names:
        count, failures, refused, peak, seconds = 0, 0, 0, 0, 0.0
        for count, case in enumerate(GROUPS[group](source), 1):
            place = folder / group / str(count) / "model"
            place.mkdir(parents=True)
            case.arrange(place)
            (place.parent / "expected.onnx").write_bytes(original.read_bytes())
            for _ in range(hostile_onnx.ATTEMPTS):
                before = hostile_onnx.snapshot(place)
                command = [program, "copy", f"model/{case.file}", "model/copied.onnx", "--quiet", "--force"]
                outcome = launcher(command, place.parent, hostile_onnx.TIMEOUT)
                if outcome.status is not None and outcome.seconds <= hostile_onnx.SECONDS:
                    break
            if complaint := judge(case, outcome, before, hostile_onnx.snapshot(place), place):
                failures += 1
                print(f"FAIL {group}/{case.name}: {complaint}")
            if case.status != ACCEPTED:
                refused, peak, seconds = refused + 1, max(peak, outcome.peak), max(seconds, outcome.seconds)
        print(f"{'FAIL' if failures else 'ok':5}{group:14} {refused:4} refused {count - refused:4} accepted "
              f"{failures:4} failed   refusals take at most {seconds:.2f} s, {peak / 1e6:.0f} MB", flush=True)
        failed += failures
    launcher.close()
    return failed


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        failed = check(program, sys.argv[2:] or GROUPS, pathlib.Path(folder))
    if failed:
        sys.exit(f"{failed} cases failed")


if __name__ == "__main__":
    main()
