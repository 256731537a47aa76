"""Tensors whose dimensions, type and data do not agree."""

import onnx
from onnx import TensorProto

from . import wire
from .case import accepted, model, node, plain, refused, weighted

FLOAT, INT8, INT32, INT64 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT32, TensorProto.INT64
TYPED_FIELDS = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
FIELD_OF = {
    TensorProto.FLOAT: "float_data", TensorProto.COMPLEX64: "float_data", TensorProto.DOUBLE: "double_data",
    TensorProto.COMPLEX128: "double_data", INT64: "int64_data", TensorProto.UINT32: "uint64_data",
    TensorProto.UINT64: "uint64_data", INT32: "int32_data", TensorProto.STRING: "string_data",
    TensorProto.FLOAT16: "int32_data", TensorProto.BOOL: "int32_data",
}
# Types narrower than a byte, and how many elements share one.
PER_BYTE = {TensorProto.UINT4: 2, TensorProto.INT4: 2, TensorProto.FLOAT4E2M1: 2, TensorProto.UINT2: 4,
            TensorProto.INT2: 4}
# Values that do not fit the type they are given for.
BEYOND = {
    TensorProto.UINT8: (-1, 256), TensorProto.INT8: (-129, 128), TensorProto.UINT16: (-1, 65536),
    TensorProto.INT16: (-32769, 32768), TensorProto.FLOAT16: (-1, 65536), TensorProto.BFLOAT16: (-1, 65536),
    TensorProto.BOOL: (-1, 256), TensorProto.FLOAT8E4M3FN: (-1, 256), TensorProto.UINT4: (-1, 256),
}


def tensor(element_type, dims, **data):
    result = TensorProto(data_type=element_type, dims=dims)
    for field, contents in data.items():
        if isinstance(contents, bytes):
            setattr(result, field, contents)
        else:
            getattr(result, field).extend(contents)
    return result


def unused(contents):
    """A model with an initializer nothing reads."""
    contents.name = "w"
    return model([node("Relu", "x", "y")], initializers=[contents])


def name(element_type):
    return TensorProto.DataType.Name(element_type).lower()


def cases():
    yield accepted("raw", weighted(tensor(FLOAT, [4], raw_data=bytes(16))))
    yield accepted("typed", weighted(tensor(FLOAT, [4], float_data=[1, 2, 3, 4])))
    yield accepted("scalar", weighted(tensor(FLOAT, [], float_data=[1])))
    yield accepted("no elements", unused(tensor(FLOAT, [0, 4])))
    yield accepted("no elements, raw", unused(tensor(FLOAT, [4, 0], raw_data=b"")))

    for dims in ([-1], [-4], [2, -2], [-2, -2], [-(1 << 63)], [0, -1]):
        yield refused(f"dimensions {dims}", unused(tensor(FLOAT, dims, raw_data=bytes(16))))
    for dims in ([1 << 62, 4], [1 << 40, 1 << 40], [1 << 32, 1 << 32], [3, (1 << 63) - 1], [1 << 61],
                 [(1 << 63) - 1], [1 << 16] * 5):
        exponents = " × ".join(str(size) for size in dims)
        yield refused(f"dimensions {exponents}", unused(tensor(FLOAT, dims, raw_data=bytes(16))))
    yield refused("overflow beside a zero", unused(tensor(FLOAT, [0, 1 << 40, 1 << 40])))
    yield refused("overflow to no bytes", unused(tensor(TensorProto.DOUBLE, [1 << 61], raw_data=b"")))
    yield refused("overflow of strings", unused(tensor(TensorProto.STRING, [1 << 40, 1 << 40])))
    yield refused("a hundred thousand dimensions", unused(tensor(FLOAT, [2] * 100_000, raw_data=bytes(16))))

    for count in (0, 1, 12, 15, 17, 20, 64):
        yield refused(f"{count} raw bytes for 16", weighted(tensor(FLOAT, [4], raw_data=bytes(count))))
    for count in (0, 3, 5):
        yield refused(f"{count} floats for 4", weighted(tensor(FLOAT, [4], float_data=[1] * count)))
    yield refused("3 strings for 4", unused(tensor(TensorProto.STRING, [4], string_data=[b"a"] * 3)))
    yield refused("4 floats for 4 complex", unused(tensor(TensorProto.COMPLEX64, [4], float_data=[1] * 4)))
    yield accepted("8 floats for 4 complex", unused(tensor(TensorProto.COMPLEX64, [4], float_data=[1] * 8)))
    yield refused("7 floats for 4 complex", unused(tensor(TensorProto.COMPLEX64, [4], float_data=[1] * 7)))

    yield refused("raw and floats", weighted(tensor(FLOAT, [4], raw_data=bytes(16), float_data=[1] * 4)))
    yield refused("empty raw and floats", weighted(tensor(FLOAT, [4], raw_data=b"", float_data=[1] * 4)))
    yield refused("floats and doubles",
                  weighted(tensor(FLOAT, [4], float_data=[1] * 4, double_data=[1] * 4)))
    yield refused("int32s and int64s", unused(tensor(INT64, [4], int64_data=[1] * 4, int32_data=[1] * 4)))
    yield refused("strings and raw",
                  unused(tensor(TensorProto.STRING, [1], string_data=[b"a"], raw_data=b"a")))
    yield refused("strings in raw alone", unused(tensor(TensorProto.STRING, [4], raw_data=b"abcd")))
    for element_type, right in FIELD_OF.items():
        if element_type in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
            continue
        for field in TYPED_FIELDS:
            items = [b"a"] * 4 if field == "string_data" else [1] * 4
            verdict = accepted if field == right else refused
            yield verdict(f"{name(element_type)} in {field}", unused(tensor(element_type, [4], **{field: items})))

    yield refused("no type", unused(TensorProto(dims=[4], raw_data=bytes(16))))
    yield refused("type 0", unused(TensorProto(data_type=0, dims=[4], raw_data=bytes(16))))
    for number in (27 + 2, 99, 1 << 30, -1):
        contents = wire.block(wire.GRAPH_INITIALIZER, wire.integer(wire.TENSOR_DIMS, 4),
                              wire.integer(wire.TENSOR_TYPE, number), wire.block(wire.TENSOR_RAW, bytes(16)),
                              wire.block(wire.TENSOR_NAME, "w"))
        yield refused(f"type {number}", wire.model(wire.graph(contents)))

    for element_type, share in PER_BYTE.items():
        title = name(element_type)
        yield accepted(f"5 of {title}", unused(tensor(element_type, [5], raw_data=bytes(-(-5 // share)))))
        for count in (1, 5, 6):
            if count != -(-5 // share):
                yield refused(f"5 of {title} in {count} bytes",
                              unused(tensor(element_type, [5], raw_data=bytes(count))))
        yield accepted(f"5 of {title}, typed",
                       unused(tensor(element_type, [5], int32_data=[1] * -(-5 // share))))
        yield refused(f"5 of {title} in 5 numbers", unused(tensor(element_type, [5], int32_data=[1] * 5)))
    for element_type, values in BEYOND.items():
        for number in values:
            yield refused(f"{number} as {name(element_type)}",
                          unused(tensor(element_type, [1], int32_data=[number])))
    yield refused("2^32 as uint32", unused(tensor(TensorProto.UINT32, [1], uint64_data=[1 << 32])))

    constant = onnx.helper.make_node("Constant", [], ["w"], value=tensor(FLOAT, [100], raw_data=bytes(16)))
    yield refused("short, in a Constant", model([constant, node("Add", "x w", "y")]))
    yield refused("short, in a list of tensors", model([node(
        "Relu", "x", "y", list=[tensor(FLOAT, [4], raw_data=bytes(16)), tensor(FLOAT, [4], raw_data=bytes(15))])]))
    segmented = tensor(FLOAT, [4], raw_data=bytes(16))
    segmented.segment.begin, segmented.segment.end = -1, 1 << 62
    yield accepted("a segment of no meaning", unused(segmented))
    unnamed = tensor(FLOAT, [4], raw_data=bytes(16))
    message = plain()
    message.graph.initializer.append(unnamed)
    yield refused("an initializer without a name", message)
