"""External data that is malformed, or lies where it may not."""

import os
import socket

import onnx
from onnx import TensorProto, helper

from .case import MISSING, Case, accepted, conditional, encoded, graph, model, node, refused, weighted
from .functions import call, calling, function

# Four floats, or two indices.
DATA = (0).to_bytes(8, "little") + (3).to_bytes(8, "little")
NUL = "\0"


def external(dims=(4,), element_type=TensorProto.FLOAT, name="w", **entries):
    return described(entries.items(), dims, element_type, name)


def described(entries, dims=(4,), element_type=TensorProto.FLOAT, name="w"):
    tensor = TensorProto(name=name, data_type=element_type, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, contents in entries:
        tensor.external_data.add(key=key, value=str(contents))
    return tensor


def weights(folder):
    """Data beside the model, and the same above it."""
    (folder / "w.bin").write_bytes(DATA)
    (folder / "inner").mkdir()
    (folder / "inner" / "w.bin").write_bytes(DATA)
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "w.bin").write_bytes(DATA)


def linked(link, target):
    def arrange(folder):
        weights(folder)
        (folder / link).symlink_to(target)
    return arrange


def hard_linked(folder):
    weights(folder)
    os.link(folder.parent / "outside" / "w.bin", folder / "hard.bin")


def cached(folder):
    """The layout of a hub's cache: the model and its data are links into a folder of blobs."""
    blobs = folder.parent / "blobs"
    blobs.mkdir()
    (blobs / "1234").write_bytes(encoded(weighted(external(location="w.bin"))))
    (blobs / "5678").write_bytes(DATA)
    (folder / "model.onnx").symlink_to("../blobs/1234")
    (folder / "w.bin").symlink_to("../blobs/5678")


def pipe(folder):
    weights(folder)
    os.mkfifo(folder / "pipe")


def listening(folder):
    weights(folder)
    here = os.open(".", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as end:
        # Names of sockets are short; the way to this folder may not be.
        os.chdir(folder)
        end.bind("socket")
        os.fchdir(here)
    os.close(here)


def cases():
    def beside(**entries):
        return weighted(external(**entries))

    def bad(name, words="", arrange=weights, dims=(4,), **entries):
        return refused(name, weighted(external(dims, **entries)), words, arrange)

    def good(name, arrange=weights, dims=(4,), **entries):
        return accepted(name, weighted(external(dims, **entries)), arrange)

    yield good("beside the model", location="w.bin")
    yield good("with offset and length", location="w.bin", offset=0, length=16)
    yield good("a part of the file", dims=(2,), location="w.bin", offset=8, length=8)
    yield good("in a folder of the model's", location="inner/w.bin")
    yield good("a roundabout way that stays inside", location="inner/../w.bin")
    yield good("with a checksum", location="w.bin", checksum="0123456789abcdef")
    yield good("a link that stays inside", arrange=linked("link.bin", "w.bin"), location="link.bin")
    yield Case("a hub's cache", None, 0, "", cached, verbs=("inspect",))

    yield bad("above the model", location="../outside/w.bin")
    yield bad("above, from a folder", location="inner/../../outside/w.bin")
    yield bad("far above", location="../" * 40 + "etc/passwd")
    yield bad("absolute", location="/etc/passwd")
    yield bad("absolute, twice the slash", location="//etc/passwd")
    yield bad("of the process", location="/proc/self/environ")
    yield bad("onnxruntime's memory address", location="*/_ORT_MEM_ADDR_/*", offset=4096, length=16)
    yield bad("onnxruntime's memory address, folder", location="./_ORT_MEM_ADDR_/w.bin")
    yield bad("a NUL in the location", location=f"w.bin{NUL}.png")
    yield bad("a link out", arrange=linked("link.bin", "../outside/w.bin"), location="link.bin")
    yield bad("an absolute link out", arrange=linked("link.bin", "/etc/passwd"), location="link.bin")
    yield bad("a folder that links out", arrange=linked("away", "../outside"), location="away/w.bin")
    yield bad("a link to a device", arrange=linked("zero", "/dev/zero"), location="zero")
    yield bad("a hard link out of the folder", arrange=hard_linked, location="hard.bin")
    yield bad("a pipe", arrange=pipe, location="pipe")
    yield bad("a socket", arrange=listening, location="socket")
    yield bad("the folder itself", location=".")
    yield bad("a folder", location="inner")
    yield bad("an empty location", location="")
    yield bad("no location", offset=0, length=16)
    yield refused("no entries", weighted(described([])), arrange=weights)
    for name, location in {
        "no such file": "absent.bin", "no such folder": "absent/w.bin", "a file as folder": "w.bin/w.bin",
        "a URL": "file:///etc/passwd", "a name of 5000 letters": "w" * 5000,
        "a name that steers terminals": "\x1b[2J\nrba-convert: error: none\u202e",
    }.items():
        yield Case(name, encoded(beside(location=location)), MISSING, "", weights)
    yield Case("a link to itself", encoded(beside(location="round")), MISSING, "", linked("round", "round"))

    for key in ("offset", "length"):
        for value in ("-1", "-0", "+0", "+16", " 16", "16 ", "16\n", "0x10", "1e1", "16.0", "", "sixteen", "１６",
                      1 << 63, 1 << 64, "9" * 40, f"16{NUL}"):
            title = repr(str(value)) if len(str(value)) < 25 else "of forty digits"
            yield bad(f"{key} {title}", location="w.bin", **{key: value})
    yield bad("offset at the end", location="w.bin", offset=16)
    yield bad("offset past the end", location="w.bin", offset=17, length=16)
    yield bad("offset and length that overflow", location="w.bin", offset=(1 << 63) - 1, length=16)
    yield bad("length past the end", location="w.bin", length=32, dims=(8,))
    yield bad("length 2^60", location="w.bin", length=1 << 60)
    yield bad("2^60 bytes, as the dimensions say", location="w.bin", length=1 << 60, dims=(1 << 58,))
    yield bad("2^40 bytes without a length", location="w.bin", dims=(1 << 38,))
    yield bad("length below the dimensions", location="w.bin", length=8)
    yield bad("length above the dimensions", location="w.bin", length=16, dims=(2,))
    yield bad("an offset that leaves too little", location="w.bin", offset=4)

    yield refused("location twice", weighted(described([("location", "w.bin"), ("location", "inner/w.bin")])),
                  arrange=weights)
    yield refused("length twice", weighted(described([("location", "w.bin"), ("length", 16), ("length", 16)])),
                  arrange=weights)
    yield bad("an unknown key", location="w.bin", __class__="Path")
    yield refused("an empty key", weighted(described([("location", "w.bin"), ("", "")])), arrange=weights)
    yield bad("a key that is no key in this case", LOCATION="w.bin")
    yield good("a base path, which nobody follows", location="w.bin", basepath="../outside")
    raw = external(location="w.bin")
    raw.raw_data = DATA
    yield refused("and raw data", weighted(raw), arrange=weights)
    typed = external(location="w.bin")
    typed.float_data.extend([1, 2, 3, 4])
    yield refused("and floats", weighted(typed), arrange=weights)
    yield refused("strings", weighted(external(element_type=TensorProto.STRING, location="w.bin")), arrange=weights)
    yield refused("no element type", weighted(external(element_type=0, location="w.bin")), arrange=weights)
    yield bad("negative dimensions", location="w.bin", dims=(-4,))
    yield bad("dimensions that overflow", location="w.bin", dims=(1 << 40, 1 << 40))

    for name, wrap in PLACES.items():
        yield accepted(f"{name}: inside", wrap("w.bin"), weights)
        yield refused(f"{name}: outside", wrap("../outside/w.bin"), arrange=weights)
        yield Case(f"{name}: absent", encoded(wrap("absent.bin")), MISSING, "absent.bin", weights)


# Places of a tensor besides the graph's initializers.

def in_constant(location):
    constant = helper.make_node("Constant", [], ["w"], value=external(location=location))
    return model([constant, node("Add", "x w", "y")])


def in_list(location):
    return model([node("Whirl", "x", "y", domain="example.org", list=[external(location=location)])],
                 domains=["example.org"])


def in_branch(location):
    return conditional(graph([node("Add", "x v", "inside")], ["inside"],
                             initializers=[external(name="v", location=location)]))


def in_function(location):
    constant = helper.make_node("Constant", [], ["w"], value=external(location=location))
    return calling(function("F0", [constant, node("Add", "a w", "b")]))


def in_function_default(location):
    default = helper.make_attribute("weight", external(location=location))
    constant = helper.make_node("Constant", [], ["w"])
    constant.attribute.add(name="value", type=onnx.AttributeProto.TENSOR, ref_attr_name="weight")
    body = function("F0", [constant, node("Add", "a w", "b")], attribute_protos=[default])
    return model([call("F0", "x", "y")], functions=[body], domains=["local"])


def sparse(values, indices, extent=4):
    tensor = onnx.SparseTensorProto(values=values, indices=indices, dims=[extent])
    return model([node("Add", "x w", "y")], sparse=[tensor])


def in_sparse_values(location):
    return sparse(external((2,), name="w", location=location, length=8),
                  helper.make_tensor("", TensorProto.INT64, [2], [0, 3]))


def in_sparse_indices(location):
    values = helper.make_tensor("w", TensorProto.FLOAT, [2], [1, 2])
    # The bytes of the file are 0, 1, 2 and so on: large numbers, but ascending.
    return sparse(values, external((2,), TensorProto.INT64, "", location=location), extent=1 << 62)


def in_sparse_attribute(location):
    tensor = onnx.SparseTensorProto(
        values=external((2,), name="", location=location, length=8),
        indices=helper.make_tensor("", TensorProto.INT64, [2], [0, 3]), dims=[4])
    constant = helper.make_node("Constant", [], ["w"], sparse_value=tensor)
    return model([constant, node("Add", "x w", "y")])


def in_training_info(location):
    message = model([node("Relu", "x", "y")])
    message.training_info.add().algorithm.CopyFrom(
        graph([node("Identity", "t", "u")], ["u"], initializers=[external(name="t", location=location)]))
    return message


PLACES = {
    "a Constant": in_constant, "a list of tensors": in_list, "a branch": in_branch, "a function": in_function,
    "a function's default": in_function_default, "sparse values": in_sparse_values,
    "sparse indices": in_sparse_indices, "a sparse attribute": in_sparse_attribute,
    "training info": in_training_info,
}
