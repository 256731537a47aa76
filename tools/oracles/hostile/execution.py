"""Models that are well formed and ask for the impossible when they are run."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .case import accepted, model, node, refused, value
from .functions import doubling

RUN = {"verbs": ("run",)}
LIMITED = {**RUN, "options": ("--max-memory", "100M")}
# Bytes beyond any machine, and beyond the limit only.
BEYOND, MUCH = 1 << 44, 1 << 32
TYPES = {"i8": TensorProto.INT64, "f4": TensorProto.FLOAT, "?": TensorProto.BOOL}


def constant(name, contents, kind="i8"):
    return numpy_helper.from_array(np.array(contents, dtype=kind), name)


def running(operator, constants, kind="f4", **attributes):
    """A model of one node whose first input is x, float [4], unless `constants` has an x."""
    names = " ".join(constants)
    inputs = [] if "x" in constants else ["x"]
    tensors = [item if isinstance(item, TensorProto) else constant(name, item)
               for name, item in constants.items() if item is not None]
    for name, tensor in zip([key for key, item in constants.items() if item is not None], tensors):
        tensor.name = name
    return model([node(operator, names if "x" in names.split() or operator in SOURCES else "x " + names, "y",
                       **attributes)],
                 inputs=inputs, outputs=[value("y", None, TYPES[kind])], initializers=tensors)


# Operators that read nothing but constants.
SOURCES = {"ConstantOfShape", "Range", "OneHot"}


def bombs(count):
    """(name, model) of models whose result has `count` float elements, a power of two."""
    side = 1 << (count.bit_length() - 1) // 2
    rest = count // side
    yield "ConstantOfShape", running("ConstantOfShape", {"s": [side, rest]})
    yield "Expand", running("Expand", {"s": [count // 4, 4]})
    yield "Tile", running("Tile", {"r": [count // 4]})
    yield "Range", running("Range", {"a": 0, "b": count, "c": 1}, kind="i8")
    yield "Pad", running("Pad", {"p": [0, count - 4]})
    yield "Pad in front", running("Pad", {"p": [count - 4, 0]})
    ramp = constant("x", np.ones((1, 1, 2, 2)), "f4")
    yield "Resize by scales", running("Resize", {
        "x": ramp, "roi": constant("roi", [], "f4"), "scales": constant("scales", [1, 1, side / 2, rest / 2], "f4")},
        mode="nearest")
    yield "Resize by sizes", running("Resize", {
        "x": ramp, "roi": constant("roi", [], "f4"), "scales": constant("scales", [], "f4"),
        "sizes": [1, 1, side, rest]}, mode="linear")
    yield "Add, broadcast", model(
        [node("ConstantOfShape", "s", "a"), node("ConstantOfShape", "t", "b"), node("Add", "a b", "c"),
         node("Add", "x c", "y")], outputs=[value("y", None)],
        initializers=[constant("s", [side, 1, 1]), constant("t", [1, rest // 4, 1])])
    yield "MatMul", model(
        [node("ConstantOfShape", "s", "a"), node("ConstantOfShape", "t", "b"), node("MatMul", "a b", "c"),
         node("ReduceSum", "c", "d"), node("Add", "x d", "y")], outputs=[value("y", None)],
        initializers=[constant("s", [side, 1]), constant("t", [1, rest])])
    yield "Conv, padded", running(
        "Conv", {"x": ramp, "w": constant("w", np.ones((1, 1, 1, 1)), "f4")}, pads=[side, 0, 0, rest])
    doublings = count.bit_length() - 3
    yield "Concat, doubled", model(
        [node("Concat", f"v{index} v{index}", f"v{index + 1}", axis=0) for index in range(doublings)],
        inputs=["v0"], outputs=[value(f"v{doublings}", None)])


def invalid():
    """(name, model) of nodes whose attributes or constants do not fit what they are applied to."""
    big, low = (1 << 63) - 1, -(1 << 63)
    picture = constant("x", np.ones((1, 2, 4, 4)), "f4")
    kernel = constant("w", np.ones((2, 2, 3, 3)), "f4")
    yield "ConstantOfShape of -1", running("ConstantOfShape", {"s": [-1]})
    yield "ConstantOfShape that overflows", running("ConstantOfShape", {"s": [1 << 40, 1 << 40]})
    yield "Expand by -3", running("Expand", {"s": [-3]})
    yield "Tile by -1", running("Tile", {"r": [-1]})
    yield "Tile by too many", running("Tile", {"r": [1, 1]})
    yield "Tile that overflows", running("Tile", {"r": [big]})
    yield "Range of step 0", running("Range", {"a": 0, "b": 5, "c": 0}, kind="i8")
    yield "Range over all integers", running("Range", {"a": low, "b": big, "c": 1}, kind="i8")
    for name, numbers in (("NaN", (0, np.nan, 1)), ("infinity", (0, np.inf, 1)), ("steps of nothing", (0, 1, 1e-45))):
        yield f"Range to {name}", running("Range", {
            key: constant(key, number, "f4") for key, number in zip("abc", numbers)})
    yield "Pad by numbers that overflow", running("Pad", {"p": [big, big]})
    yield "Pad by less than there is", running("Pad", {"p": [-5, -5]})
    yield "Pad by the lowest number", running("Pad", {"p": [low, low]})
    yield "Pad by too few", running("Pad", {"p": [1]})
    yield "reflect more than there is", running("Pad", {"p": [0, 1000], }, mode="nonsense")
    yield "Reshape to what does not fit", running("Reshape", {"s": [3]})
    yield "Reshape to two unknowns", running("Reshape", {"s": [-1, -1]})
    yield "Reshape that overflows", running("Reshape", {"s": [1 << 40, 1 << 40]})
    yield "Reshape to -2", running("Reshape", {"s": [-2, -2]})
    yield "Reshape to a zero beyond", running("Reshape", {"s": [4, 0]})
    for axis in (1, -2, big, low):
        yield f"Concat on axis {axis}", model(
            [node("Concat", "x x", "y", axis=axis)], outputs=[value("y", None)])
        yield f"Softmax on axis {axis}", running("Softmax", {}, axis=axis)
        yield f"Gather on axis {axis}", running("Gather", {"i": [0]}, axis=axis)
        yield f"ReduceSum on axis {axis}", running("ReduceSum", {"a": [axis]})
        yield f"Squeeze on axis {axis}", running("Squeeze", {"a": [axis]})
        yield f"Split on axis {axis}", running("Split", {"s": [4]}, axis=axis)
        yield f"CumSum on axis {axis}", running("CumSum", {"a": axis})
        yield f"TopK on axis {axis}", topk(1, axis=axis)
        yield f"LayerNormalization on axis {axis}", running(
            "LayerNormalization", {"w": constant("w", [1, 1, 1, 1], "f4")}, axis=axis)
    for axis in (2, -3, big, low):
        yield f"Flatten on axis {axis}", running("Flatten", {}, axis=axis)
        yield f"Unsqueeze on axis {axis}", running("Unsqueeze", {"a": [axis]})
    yield "ReduceSum on one axis twice", running("ReduceSum", {"a": [0, 0]})
    yield "Unsqueeze on one axis twice", running("Unsqueeze", {"a": [0, 0]})
    for index in (4, -5, big, low):
        yield f"Gather of {index}", running("Gather", {"i": [index]})
        yield f"GatherElements of {index}", running("GatherElements", {"i": [index]})
        yield f"GatherND of {index}", running("GatherND", {"i": [[index]]})
    yield "Slice by step 0", running("Slice", {"a": [0], "b": [4], "c": [0], "d": [0]})
    yield "Slice with too few ends", running("Slice", {"a": [0, 0], "b": [4]})
    yield "Slice on axis 2^63 - 1", running("Slice", {"a": [0], "b": [4], "c": [big]})
    yield "Split into too much", running("Split", {"s": [5]})
    yield "Split into less than nothing", running("Split", {"s": [-1]})
    yield "Split into nothing", running("Split", {}, num_outputs=0)
    for number in (5, -1, big, low):
        yield f"TopK of {number}", topk(number)
    for permutation in ([1], [0, 0], [-1], [0, 1], [big], []):
        yield f"Transpose by {permutation or 'nothing'}", transposed(permutation)
    for name, attributes in {
        "strides 0": {"strides": [0, 0]}, "strides -1": {"strides": [-1, -1]}, "one stride": {"strides": [1]},
        "strides 2^63 - 1, padded": {"strides": [big, big], "pads": [big] * 4},
        "dilations 0": {"dilations": [0, 0]}, "dilations 2^63 - 1": {"dilations": [big, big]},
        "pads -9": {"pads": [-9] * 4}, "pads 2^63 - 1": {"pads": [big] * 4}, "two pads": {"pads": [1, 1]},
        "group 0": {"group": 0}, "group -1": {"group": -1}, "group 3": {"group": 3}, "group 2^63 - 1": {"group": big},
        "a kernel of another shape": {"kernel_shape": [5, 5]}, "a kernel of nothing": {"kernel_shape": [0, 0]},
        "a negative kernel": {"kernel_shape": [-1, -1]}, "an unknown padding": {"auto_pad": "SOMEHOW"},
    }.items():
        yield f"Conv with {name}", running("Conv", {"x": picture, "w": kernel}, **attributes)
        yield f"ConvTranspose with {name}", running("ConvTranspose", {"x": picture, "w": kernel}, **attributes)
        if "group" not in attributes:
            pooled = {"kernel_shape": [2, 2], **attributes}
            if attributes.get("kernel_shape") != [5, 5]:
                yield f"MaxPool with {name}", running("MaxPool", {"x": picture}, **pooled)
                yield f"AveragePool with {name}", running("AveragePool", {"x": picture}, **pooled)
    yield "ConvTranspose to a shape of less than nothing", running(
        "ConvTranspose", {"x": picture, "w": kernel}, output_shape=[-5, big])
    yield "ConvTranspose with output padding 2^63 - 1", running(
        "ConvTranspose", {"x": picture, "w": kernel}, output_padding=[big, big])
    for size in (0, -1, 3, big):
        yield f"DepthToSpace of {size}", running(
            "DepthToSpace", {"x": constant("x", np.ones((1, 4, 4, 4)), "f4")}, blocksize=size)
        yield f"SpaceToDepth of {size}", running(
            "SpaceToDepth", {"x": constant("x", np.ones((1, 4, 4, 4)), "f4")}, blocksize=size)
    for name, scales in (("0", [1, 1, 0, 0]), ("-1", [1, 1, -1, -1]), ("NaN", [1, 1, np.nan, 1]),
                         ("infinity", [1, 1, np.inf, 1]), ("too few", [1, 1])):
        yield f"Resize by {name}", running("Resize", {
            "x": picture, "roi": constant("roi", [], "f4"), "scales": constant("scales", scales, "f4")})
    for sizes in ([1, 2, -1, 4], [1, 2, big, big], [4]):
        yield f"Resize to {sizes}", running("Resize", {
            "x": picture, "roi": constant("roi", [], "f4"), "scales": constant("scales", [], "f4"), "sizes": sizes})
    for kind in (0, 99, -1):
        yield f"Cast to type {kind}", running("Cast", {}, to=kind)
    for equation in ("i,j->k", "i->ii", "ii->", "->", "i,i->i", "ä->ä", "i->i->i", ""):
        yield f"Einsum of {equation!r}", running("Einsum", {}, equation=equation)
    yield "MatMul of what does not fit", running("MatMul", {"w": constant("w", np.ones((5, 5)), "f4")})
    yield "Gemm of vectors", running("Gemm", {"w": constant("w", np.ones(4), "f4")})
    yield "Add of what does not fit", running("Add", {"x": picture, "w": constant("w", np.ones(3), "f4")})
    yield "Add of two types", running("Add", {"w": constant("w", np.ones(4), "i8")})
    yield "Clip between types", running("Clip", {"w": constant("w", 1, "i8")})
    yield "division by 0", integers("Div", [0, 0, 0, 0])
    yield "remainder of 0", integers("Mod", [0, 0, 0, 0])
    yield "one input too few", running("Add", {})
    yield "one input too many", running("Relu", {"w": constant("w", np.ones(4), "f4")})
    yield "no inputs", model([helper.make_node("Relu", [], ["y"])])
    yield "too many outputs", model([node("Relu", "x", "y z")])
    yield "BatchNormalization over another number of channels", running("BatchNormalization", {
        "x": picture, **{name: constant(name, np.ones(3), "f4") for name in "sbmv"}})
    yield "InstanceNormalization of a vector", running("InstanceNormalization", {
        name: constant(name, np.ones(4), "f4") for name in "sb"})
    yield "DequantizeLinear of what does not fit", running("DequantizeLinear", {
        "x": constant("x", np.ones((2, 3)), "i1"), "s": constant("s", np.ones(7), "f4")})
    yield "Trilu of a vector", running("Trilu", {"k": big})
    yield "Constant of two values", model(
        [helper.make_node("Constant", [], ["w"], value_float=1.0, value_int=1), node("Add", "x w", "y")])
    yield "Constant of none", model([helper.make_node("Constant", [], ["w"]), node("Add", "x w", "y")])


def topk(count, **attributes):
    return model([node("TopK", "x k", "y indices", **attributes)], outputs=[value("y", None)],
                 initializers=[constant("k", [count])])


def transposed(permutation):
    attribute = helper.make_attribute("perm", permutation, attr_type=7)
    item = node("Transpose", "x", "y")
    item.attribute.append(attribute)
    return model([item], outputs=[value("y", None)])


def integers(operator, divisor, dividend=(1, 2, 3, 4)):
    return model([node(operator, "a b", "q"), node("Cast", "q", "c", to=TensorProto.FLOAT), node("Add", "x c", "y")],
                 initializers=[constant("a", dividend), constant("b", divisor)])


def cases():
    for name, item in bombs(64):
        yield accepted(f"{name}, small", item, **LIMITED)
    for name, item in bombs(BEYOND // 4):
        yield refused(f"{name}, 16 TiB", item, **RUN)
    for name, item in bombs(MUCH // 4):
        yield refused(f"{name}, 4 GiB, 100 MB allowed", item, **LIMITED)
    yield refused("an input of 4 GiB, 100 MB allowed", model([node("Relu", "x", "y")], shape=(1 << 30,)),
                  **LIMITED)
    yield refused("an input of 2^62 elements", model([node("Relu", "x", "y")], shape=(1 << 31, 1 << 31)), **RUN)
    yield accepted("an input of -1 elements, as some write for any", model([node("Relu", "x", "y")], shape=(-1,)), **RUN)
    for operator in ("Div", "Mod"):
        yield accepted(f"{operator} of the lowest number by -1", integers(operator, [-1] * 4, [-(1 << 63)] * 4), **RUN)
    yield accepted("2^3 calls", doubling(3), **LIMITED)
    yield refused("2^29 calls", doubling(29), **RUN)
    yield refused("2^60 calls", doubling(60), **RUN)
    for name, item in invalid():
        yield refused(name, item, **RUN)
