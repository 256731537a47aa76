"""Protocol buffers' wire format, for what the onnx package will not write."""

# Field numbers of onnx.proto.
MODEL_IR_VERSION, MODEL_PRODUCER, MODEL_GRAPH, MODEL_OPSET, MODEL_FUNCTIONS = 1, 2, 7, 8, 25
GRAPH_NODE, GRAPH_NAME, GRAPH_INITIALIZER, GRAPH_DOC, GRAPH_INPUT, GRAPH_OUTPUT = 1, 2, 5, 10, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 2, 3, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_GRAPH, ATTRIBUTE_TYPE_PROTO, ATTRIBUTE_TYPE = 1, 6, 14, 20
TENSOR_DIMS, TENSOR_TYPE, TENSOR_FLOATS, TENSOR_NAME, TENSOR_RAW = 1, 2, 4, 8, 9
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR, TYPE_SEQUENCE, TYPE_MAP, TYPE_OPTIONAL = 1, 4, 5, 9

VARINT, FIXED64, LENGTH, START_GROUP, END_GROUP, FIXED32 = range(6)


def varint(number):
    number &= (1 << 64) - 1
    result = bytearray()
    while number >= 0x80:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)


def tag(field, wire_type):
    return varint(field << 3 | wire_type)


def integer(field, number):
    return tag(field, VARINT) + varint(number)


def block(field, *parts):
    """A string, bytes, packed numbers or a message."""
    contents = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return tag(field, LENGTH) + varint(len(contents)) + contents


def node(operator, inputs, outputs, *more):
    return block(GRAPH_NODE, *(block(NODE_INPUT, name) for name in inputs),
                 *(block(NODE_OUTPUT, name) for name in outputs), block(NODE_OPERATOR, operator), *more)


def float_type(*dimensions):
    shape = b"".join(block(1, integer(1, size)) for size in dimensions)
    return block(TYPE_TENSOR, integer(1, 1), block(2, shape))


def declaration(field, name, kind):
    return block(field, block(VALUE_NAME, name), block(VALUE_TYPE, kind))


def graph(*more):
    """The contents of a graph y = Relu(x), and `more` fields."""
    return b"".join([node("Relu", ["x"], ["y"]), block(GRAPH_NAME, "g"),
                     declaration(GRAPH_INPUT, "x", float_type(4)),
                     declaration(GRAPH_OUTPUT, "y", float_type(4)), *more])


def model(contents=None, *more):
    """A model of the graph with `contents`, and `more` fields. The graph comes last but for those."""
    contents = graph() if contents is None else contents
    return b"".join([integer(MODEL_IR_VERSION, 10), block(MODEL_OPSET, integer(2, 21)),
                     block(MODEL_GRAPH, contents), *more])
