#!/usr/bin/env python3
"""Writes the files that tools/fuzz starts from: fuzz_corpus.py PROGRAM OUT.

Models and tensors are chosen from the ONNX project's node cases, the models of the onnx wheel, and the valid
ones among tools/oracles/hostile: the smallest that together hold every field, type and kind of value that
any of them holds. The other formats' files are made here. A file is named by its digest.
"""

import base64
import hashlib
import collections
import io
import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnx

import round_trip
from hostile import case, encoding, external_data, functions, graphs, parts, tensors

LARGEST = 6000
# Files of one sharded model at most: each is opened for every input.
LARGEST_SET = 8
# Element types of inputs that decide shapes and branches, or that no synthetic data is made of.
CONSTANT = (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL)
# Fields whose value makes a difference to a reader, and not only their presence.
TELLING = {"data_type", "elem_type", "key_type", "type", "data_location"}
# Element types of safetensors, with their bits.
SAFETENSORS = {"BOOL": 8, "U8": 8, "I8": 8, "I16": 16, "U16": 16, "I32": 32, "U32": 32, "I64": 64, "U64": 64,
               "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
               "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F4": 4}


def features(message, above=""):
    """What is in a message: fields by the messages they are in, and telling values."""
    found = set()
    for field, contents in message.ListFields():
        name = f"{message.DESCRIPTOR.name}.{field.name}"
        found.add(name)
        items = contents if field.is_repeated else [contents]
        if len(items) > 1:
            found.add(f"{name} several")
        for item in items:
            if field.message_type is not None:
                found.add(f"{above} {name}")
                found |= features(item, name)
            elif field.name in TELLING:
                found.add(f"{name} {item} {'raw' if getattr(message, 'raw_data', b'') else ''}")
            elif isinstance(item, (str, bytes)) and len(item) == 0:
                found.add(f"{name} empty")
    return found


def chosen(candidates):
    """The fewest small files, roughly, that hold all the features: (bytes, features) in, bytes out."""
    remaining = set().union(*(found for _, found in candidates))
    ordered = sorted(candidates, key=lambda candidate: (len(candidate[0]), candidate[0]))
    while remaining:
        data, found = max(ordered, key=lambda candidate: len(candidate[1] & remaining) / (200 + len(candidate[0])))
        yield data
        remaining -= found


def described(paths, kind):
    for path in paths:
        data = path.read_bytes()
        if len(data) <= LARGEST:
            yield data, features(kind.FromString(data))


def models():
    candidates = list(described([*round_trip.node_cases(), *round_trip.wheel()], onnx.ModelProto))
    # The file of the model itself serves as external data, for nothing else lies beside it; not as indices.
    itself = [case.accepted(name, wrap("input.onnx")) for name, wrap in external_data.PLACES.items()
              if name != "sparse indices"]
    groups = [module.cases() for module in (encoding, tensors, graphs, functions, parts)]
    for item in itertools.chain(itself, *groups):
        if item.status == case.ACCEPTED and len(item.data) <= LARGEST:
            candidates.append((item.data, features(onnx.ModelProto.FromString(item.data))))
    return chosen(candidates)


def single_tensors():
    files = (round_trip.CACHE / "node-cases").glob("*/test_data_set_0/*.pb")
    tensors_alone = (path for path in sorted(files) if holds_tensor(path))
    return chosen(list(described(tensors_alone, onnx.TensorProto)))


def values():
    """Sequences and optional values of the node cases, and such as they do not have."""
    candidates = []
    for path in sorted((round_trip.CACHE / "node-cases").glob("*/test_data_set_0/*.pb")):
        data = path.read_bytes()
        for kind in (onnx.SequenceProto, onnx.OptionalProto):
            if len(data) <= LARGEST and is_canonical(data, kind):
                candidates.append((data, features(kind.FromString(data))))
    tensor = onnx.numpy_helper.from_array(np.arange(3), "t")
    inner = onnx.SequenceProto(elem_type=onnx.SequenceProto.TENSOR, tensor_values=[tensor, tensor])
    held = onnx.OptionalProto(elem_type=onnx.OptionalProto.TENSOR, tensor_value=tensor)
    for made in (onnx.SequenceProto(name="s", elem_type=onnx.SequenceProto.SEQUENCE, sequence_values=[inner, inner]),
                 onnx.SequenceProto(name="o", elem_type=onnx.SequenceProto.OPTIONAL, optional_values=[held]),
                 onnx.OptionalProto(name="h", elem_type=onnx.OptionalProto.OPTIONAL, optional_value=held)):
        candidates.append((made.SerializeToString(), features(made)))
    return chosen(candidates)


def is_canonical(data, kind):
    """Whether the bytes are a message of that kind, and what it would be written as."""
    try:
        message = kind.FromString(data)
        return message.SerializeToString() == data and not message.FindInitializationErrors() and \
            not any(number > 7 for number in field_numbers(data))
    except Exception:  # whatever they raise, it is none
        return False


def field_numbers(data):
    """The numbers of a message's own fields."""
    def varint(position):
        number, shift = 0, 0
        while True:
            byte = data[position]
            position, number, shift = position + 1, number | (byte & 0x7f) << shift, shift + 7
            if byte < 0x80:
                return number, position

    position = 0
    while position < len(data):
        tag, position = varint(position)
        yield tag >> 3
        if tag & 7 == 0:
            position = varint(position)[1]
        elif tag & 7 == 2:
            length, position = varint(position)
            position += length
        else:
            position += 8 if tag & 7 == 1 else 4


def holds_tensor(path):
    """Whether the file is that of a tensor, and not of a sequence, map or optional of some."""
    try:
        message = onnx.TensorProto.FromString(path.read_bytes())
        return len(onnx.numpy_helper.to_array(message)) >= 0 and not message.ListFields()[0][0].message_type
    except Exception:  # whatever they raise, it is no tensor
        return False


def safetensors_file(entries, metadata=None):
    header, position = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, kind, shape in entries:
        size = int(np.prod(shape, dtype=int)) * SAFETENSORS[kind] // 8
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(index % 2 for index in range(position))


def safetensors_files():
    yield safetensors_file([])
    yield safetensors_file([("w", "F32", [])], {"format": "pt", "note": "a \"quoted\" \\ ü\n\x01"})
    yield safetensors_file([(f"t.{kind}", kind, [2, 2]) for kind in SAFETENSORS])
    yield safetensors_file([("empty", "F32", [0, 3]), ("a", "F4", [6]), ("\U0001f600", "I64", [1, 1, 1])])


def repeated():
    """A model whose metadata have keys twice, one of them like what is made up for the second of another."""
    node = onnx.helper.make_node("Neg", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    message = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:]))
    for key in ("a", "a", "a#2", "\u00e9", "e\u0301"):
        message.metadata_props.add(key=key, value=key)
    return message.SerializeToString()


def weights():
    """A model of several weights and a larger constant, some under names like those that are made up."""
    constant = onnx.numpy_helper.from_array(np.arange(128), "w")
    arrays = {"w": np.ones(2, "<f4"), "w#2": np.arange(1), "h": np.ones(3, "<f2"), "none": np.ones((0, 2), "<f4")}
    nodes = [onnx.helper.make_node("Constant", [], ["c"], value=constant),
             onnx.helper.make_node("Several", ["c", *arrays], ["y"], domain="d", values=[constant, constant])]
    graph = onnx.helper.make_graph(
        nodes, "g", [], [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()])
    imports = [onnx.helper.make_opsetid("", 20), onnx.helper.make_opsetid("d", 1)]
    return onnx.helper.make_model(graph, opset_imports=imports).SerializeToString()


def converted(program, sources, *options):
    """The files that the program makes of each model in safetensors, as a list of (name, contents)."""
    for source in sources:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "input.onnx").write_bytes(source)
            subprocess.run([program, "copy", "input.onnx", "model.safetensors", *options], cwd=folder, check=True,
                           capture_output=True)
            # The index before its files.
            paths = sorted(folder.glob("model*"), key=lambda path: (path.suffix != ".json", path.name))
            yield [(path.name, path.read_bytes()) for path in paths]


def safetensors_models(program, sources):
    files = [contents for ((_, contents),) in converted(program, sources)]
    yield from files
    yield with_message_tensor(min(files, key=len))


def with_message_tensor(file):
    """The same model, its message a tensor, as it is where the message is too long for metadata."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])
    metadata = header["__metadata__"]
    message = base64.b64decode(metadata.pop("rba-convert.model"))
    metadata["rba-convert.model-tensor"] = "message"
    size = len(file) - start
    header["message"] = {"dtype": "U8", "shape": [len(message)], "data_offsets": [size, size + len(message)]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + file[start:] + message


def sharded_models(program, sources):
    """Archives of an index and its files."""
    for files in converted(program, sources, "--max-shard-size", "1"):
        if 1 < len(files) <= LARGEST_SET:
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w") as archive:
                for name, contents in files:
                    archive.writestr(zipfile.ZipInfo(name), contents)
            yield stream.getvalue()


def npy(array, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def npy_files():
    for kind in ("?", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"):
        yield npy(np.arange(6).reshape(2, 3).astype(kind))
    yield npy(np.float32(1.5))
    yield npy(np.zeros((0, 4), "<f4"))
    yield npy(np.asfortranarray(np.arange(24, dtype="<i8").reshape(2, 3, 4)))
    yield npy(np.arange(5, dtype="<f4"), (2, 0))
    yield npy(np.arange(5, dtype="<f4"), (3, 0))


def npz_files():
    arrays = {"x": np.arange(6, dtype="<f4").reshape(2, 3), "labels": np.arange(2), "y": np.float64(1)}
    for save in (np.savez, np.savez_compressed):
        for names in (["x"], ["x", "labels"], ["x", "labels", "y"]):
            stream = io.BytesIO()
            save(stream, **{name: arrays[name] for name in names})
            yield stream.getvalue()


def texts(program):
    """Models as the program prints them, where it prints all of them."""
    paths = [path for path in round_trip.node_cases() if path.stat().st_size < 1500][::12]
    candidates = []
    for path in paths:
        text = subprocess.run([program, "inspect", path, "--text"], capture_output=True).stdout
        if text and b"..." not in text:
            candidates.append((text, features(onnx.ModelProto.FromString(path.read_bytes()))))
    return chosen(candidates)


def runnable(program):
    """For each operator, the smallest node cases that the program runs; what CONSTANT names is stored.

    No loops: a changed one may rightly run for a million iterations.
    """
    candidates = collections.defaultdict(list)
    for path in round_trip.node_cases():
        message = onnx.ModelProto.FromString(path.read_bytes())
        for node in message.graph.node[:1]:
            if path.stat().st_size < LARGEST and "Loop" not in operators(message.graph):
                candidates[node.op_type].append((path.stat().st_size, path))
    for _, found in sorted(candidates.items()):
        taken = 0
        for _, path in sorted(found):
            data = with_constants(path)
            if taken < 2 and len(data) <= LARGEST and runs(program, data):
                taken += 1
                yield data


def operators(graph):
    """The operators of a graph and of the graphs inside it."""
    bodies = (attribute.g for node in graph.node for attribute in node.attribute)
    return {node.op_type for node in graph.node}.union(*map(operators, bodies))


def with_constants(path):
    message = onnx.ModelProto.FromString(path.read_bytes())
    inputs = list(message.graph.input)
    del message.graph.input[:]
    for index, value in enumerate(inputs):
        tensor = onnx.TensorProto()
        data = path.parent / "test_data_set_0" / f"input_{index}.pb"
        if value.type.tensor_type.elem_type in CONSTANT:
            tensor.ParseFromString(data.read_bytes())
            message.graph.initializer.append(tensor)
        else:
            message.graph.input.append(value)
    return message.SerializeToString()


def runs(program, data):
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(data)
        file.flush()
        return subprocess.run([program, "run", file.name], capture_output=True).returncode == 0


def plans():
    span = {"from": "a", "to": "b", "label": "4.5:5", "form": "identity"}
    weighted = {**span, "form": "linear", "ridge": 1e-3, "weights": {"weight": "AACAPwAAAAA=", "bias": "AACAPw=="}}
    point = {"name": "a", "samples": 5, "heldDistance": -0.25, "mean": "AACAPw==", "meanSpread": "AACAPw==",
             "logDeviation": "AACAPw==", "logDeviationSpread": "AAAAAA=="}
    plan = {"schema": "rba-convert/plan/1", "model": "0" * 64}
    for spans in ([], [span], [weighted], [span, {**weighted, "form": "bias", "label": "ü\n"}]):
        yield json.dumps({**plan, "spans": spans}, indent=1).encode()
    yield json.dumps({**plan, "spans": [span], "calibration": {"points": [point]}}, indent=1).encode()


def statistics():
    counts, samples = {"fit": 6, "held": 2}, {"fit": 3, "held": 1}
    bare = {"points": ["b"], "shape": [1, 2], "width": 2, "pairs": [], "rows": {"fit": 0, "held": 0},
            "profiled": {"fit": 0, "held": 0}}
    stream = {"points": ["a", "é", "c"], "shape": [1, 2, 2], "width": 2, "rows": counts, "profiled": samples}
    weighed = {"means": samples, "outliers": {"medians": [1, 0.5, 0], "weights": {"fit": 5.5, "held": 2}}}
    pixels = {"points": ["a", "b"], "shape": [1, 1, 2, 3], "width": 1, "patches": counts}
    for streams in ([{**stream, "pairs": [[0, 0], [0, 1]]}],
                    [{**stream, "pairs": [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2]]}, bare],
                    [{**stream, **weighed, "pairs": [[0, 0], [0, 2]]}],
                    [{**stream, **pixels, "pairs": [[0, 0], [0, 1]]}]):
        header = {"schema": "rba-convert/stats/1", "model": "0" * 64, "streams": streams,
                  "sources": [{"name": "data.npy", "samples": samples, "digest": "0" * 64}]}
        tensors = [(f"{part}.{index}.{name}", "F64", shape) for part in ("fit", "held")
                   for index, entry in enumerate(streams) for name, shape in statistics_parts(entry)]
        yield safetensors_file(tensors, {"rba-convert.statistics": json.dumps(header)})


def statistics_parts(stream):
    """The names and shapes of what a statistics file holds of a part of a stream."""
    width, pairs = stream["width"], stream["pairs"]
    points = sorted({point for pair in pairs for point in pair})
    tokens = [*((f"{kind}.{point}", [width]) for point in points for kind in ("mean", "squares")),
              *((f"products.{a}.{b}", [width, width]) for a, b in pairs)]
    yield from ((f"samples.{point}", [2, 2 * width]) for point in points)
    yield from tokens
    if "means" in stream:
        yield from ((f"means.{name}", shape) for name, shape in tokens)
    if "patches" in stream:
        features = 9 * width
        for start in sorted({a for a, b in pairs if a < b}):
            yield from ((f"patches.mean.{start}", [features]), (f"patches.products.{start}", [features, features]))
        for a, b in (pair for pair in pairs if pair[0] < pair[1]):
            yield from ((f"patches.mean.{a}.{b}", [width]), (f"patches.products.{a}.{b}", [features, width]),
                        (f"patches.squares.{a}.{b}", [1]))


def main():
    program, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    sources = [*models(), repeated(), weights()]
    files = {"onnx": sources, "model": safetensors_models(program, sources),
             "shards": sharded_models(program, sources), "tensor": single_tensors(), "value": values(),
             "safetensors": safetensors_files(), "npy": npy_files(), "npz": npz_files(), "text": texts(program),
             "plan": plans(), "run": runnable(program), "statistics": statistics()}
    for reader, contents in files.items():
        folder = out / reader
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        items = set(contents)
        for data in items:
            (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
        print(f"{folder}  {len(items)} files, {sum(map(len, items))} bytes")


if __name__ == "__main__":
    main()
