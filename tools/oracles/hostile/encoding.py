"""Files whose bytes are no protocol buffer, or one that goes too deep."""

from . import wire
from .case import accepted, refused

ELEVEN_BYTES = b"\xff" * 10 + b"\x01"
UNKNOWN = 4000
DEEP = 2000
# Levels of message: 100 are read. A graph in an attribute takes three: graph, node, attribute.
DEEPEST_GRAPHS = 32


def nested_graphs(count):
    """The contents of a graph of a node with a graph as attribute, and so on, each with names of its own."""
    contents = b""
    for level in range(count, -1, -1):
        result = "y" if level == 0 else f"y{level}"
        attribute = contents and wire.block(
            wire.NODE_ATTRIBUTE, wire.block(wire.ATTRIBUTE_NAME, "body"),
            wire.block(wire.ATTRIBUTE_GRAPH, contents), wire.integer(wire.ATTRIBUTE_TYPE, 5))
        contents = wire.node("Nest", ["x"], [result], attribute) + \
            wire.declaration(wire.GRAPH_OUTPUT, result, wire.float_type(4))
    return contents + wire.declaration(wire.GRAPH_INPUT, "x", wire.float_type(4))


def nested_type(field, count):
    kind = wire.float_type(4)
    for _ in range(count):
        # A map's key type is its first field, its value type the second; the others have one field.
        parts = [wire.integer(1, 8), wire.block(2, kind)] if field == wire.TYPE_MAP else [wire.block(1, kind)]
        kind = wire.block(field, *parts)
    return kind


def value_info(kind):
    return wire.model(wire.graph(wire.declaration(13, "v", kind)))


def function(*attributes):
    return wire.block(
        wire.MODEL_FUNCTIONS, wire.block(1, "F"), wire.block(10, "local"), wire.block(4, "a"),
        wire.block(5, "b"), wire.block(7, wire.block(wire.NODE_INPUT, "a"), wire.block(wire.NODE_OUTPUT, "b"),
                                       wire.block(wire.NODE_OPERATOR, "Relu"), *attributes))


def cases():
    yield accepted("plain", wire.model())
    yield accepted("unknown fields", wire.model(
        None, wire.integer(UNKNOWN, 7), wire.block(UNKNOWN + 1, "anything"),
        wire.tag(UNKNOWN + 2, wire.FIXED32) + bytes(4), wire.tag(UNKNOWN + 3, wire.FIXED64) + bytes(8)))
    yield accepted("a varint longer than it need be",
                   wire.model() + wire.tag(UNKNOWN, wire.VARINT) + b"\x85\x80\x80\x00")
    yield accepted("fields in another order", wire.block(wire.MODEL_GRAPH, wire.graph()) +
                   wire.block(wire.MODEL_OPSET, wire.integer(2, 21)) + wire.integer(wire.MODEL_IR_VERSION, 10))
    yield accepted("the highest field number", wire.model(None, wire.integer((1 << 29) - 1, 1)))

    yield refused("tag of eleven bytes", wire.model() + ELEVEN_BYTES)
    yield refused("number of eleven bytes", wire.model(None, wire.tag(UNKNOWN, wire.VARINT) + ELEVEN_BYTES))
    yield refused("length of eleven bytes", wire.model(None, wire.tag(UNKNOWN, wire.LENGTH) + ELEVEN_BYTES))
    yield refused("number without an end", wire.model() + wire.tag(UNKNOWN, wire.VARINT) + b"\x80")
    yield refused("field 0", wire.model() + wire.integer(0, 1))
    yield refused("field 0 in a node",
                  wire.model(wire.graph() + wire.node("Relu", ["x"], ["z"], wire.integer(0, 1))))
    yield refused("field number beyond 29 bits", wire.model() + wire.varint(1 << 32) + b"\x01")
    for wire_type, name in ((3, "start of a group"), (4, "end of a group"), (6, "type 6"), (7, "type 7")):
        yield refused(f"wire {name}", wire.model() + wire.tag(UNKNOWN, wire_type) + b"\x00")
    yield refused("unclosed groups, 100 000 deep", wire.model() + wire.tag(99, wire.START_GROUP) * 100_000)
    yield refused("closed groups, 100 000 deep", wire.model() + wire.tag(99, wire.START_GROUP) * 100_000
                  + wire.tag(99, wire.END_GROUP) * 100_000)
    for length in (1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        yield refused(f"length {length} at the end",
                      wire.model() + wire.tag(UNKNOWN, wire.LENGTH) + wire.varint(length))
    yield refused("a node longer than its graph", wire.model(
        wire.graph() + wire.tag(wire.GRAPH_NODE, wire.LENGTH) + wire.varint(50) + wire.block(4, "Relu")))
    yield refused("four bytes cut short", wire.model() + wire.tag(UNKNOWN, wire.FIXED32) + b"\0\0\0")
    yield refused("eight bytes cut short", wire.model() + wire.tag(UNKNOWN, wire.FIXED64) + b"\0" * 7)
    yield refused("a number where the graph belongs", wire.integer(wire.MODEL_GRAPH, 1))
    yield refused("a message where a number belongs",
                  wire.model(None, wire.block(wire.MODEL_IR_VERSION, "ten")))
    yield refused("packed floats cut short", wire.model(wire.graph(wire.block(
        wire.GRAPH_INITIALIZER, wire.integer(wire.TENSOR_DIMS, 1), wire.integer(wire.TENSOR_TYPE, 1),
        wire.block(wire.TENSOR_FLOATS, b"\0" * 5), wire.block(wire.TENSOR_NAME, "w")))))
    yield refused("packed dimensions cut short", wire.model(wire.graph(wire.block(
        wire.GRAPH_INITIALIZER, wire.block(wire.TENSOR_DIMS, b"\x80"), wire.integer(wire.TENSOR_TYPE, 1)))))
    for name, text in (("bad UTF-8", b"\xc3\x28"), ("overlong UTF-8", b"\xc0\xaf"), ("a surrogate", b"\xed\xa0\x80"),
                       ("a NUL", b"a\0b")):
        yield refused(f"{name} as name of a value", wire.model(wire.node("Relu", [text], ["y"])))
    yield accepted("a name that steers terminals", wire.model(wire.graph(
        wire.node("Relu", ["x"], ["\x1b[2J\x1b]0;title\x07\nrba-convert: error: none‮"]))))
    yield refused("a missing name that steers terminals",
                  wire.model(wire.graph(wire.node("Relu", ["\x1b[2J\nrba-convert: error: none‮"], ["z"]))))

    yield accepted("graphs within the depth", wire.model(nested_graphs(DEEPEST_GRAPHS - 2)))
    yield refused("graphs beyond the depth", wire.model(nested_graphs(DEEPEST_GRAPHS + 2)))
    yield refused("graphs in attributes", wire.model(nested_graphs(DEEP)))
    yield accepted("sequences within the depth", value_info(nested_type(wire.TYPE_SEQUENCE, 20)))
    for field, name in ((wire.TYPE_SEQUENCE, "sequences"), (wire.TYPE_MAP, "maps"),
                        (wire.TYPE_OPTIONAL, "optional types")):
        yield refused(f"types: {name} of {name}", value_info(nested_type(field, DEEP)))
    attribute = wire.block(wire.NODE_ATTRIBUTE, wire.block(wire.ATTRIBUTE_NAME, "t"),
                           wire.block(wire.ATTRIBUTE_TYPE_PROTO, nested_type(wire.TYPE_SEQUENCE, DEEP)),
                           wire.integer(wire.ATTRIBUTE_TYPE, 13))
    yield refused("types in an attribute", wire.model(wire.graph(wire.node("Relu", ["x"], ["z"], attribute))))
    body = wire.block(wire.NODE_ATTRIBUTE, wire.block(wire.ATTRIBUTE_NAME, "body"),
                      wire.block(wire.ATTRIBUTE_GRAPH, nested_graphs(DEEP)), wire.integer(wire.ATTRIBUTE_TYPE, 5))
    yield refused("graphs in a function", wire.model(None, function(body)))
    yield refused("graphs in training info",
                  wire.model(None, wire.block(20, wire.block(2, nested_graphs(DEEP)))))
