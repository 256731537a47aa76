"""Graphs that are none, parts that are missing, attributes that lie."""

from onnx import AttributeProto, TensorProto, helper

from . import wire
from .case import accepted, conditional, graph, model, node, plain, refused

# Nodes in a line or a circle; read without recursion or in no time that grows with the square.
MANY = 20_000


def weight(name="w", values=(1, 2, 3, 4)):
    return helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)


def chain(count):
    return [node("Relu", f"v{index}", f"v{index + 1}") for index in range(count)]


def producers():
    yield accepted("in order", model([node("Relu", "x", "a"), node("Abs", "a", "y")]))
    yield accepted("out of order", model([node("Abs", "a", "y"), node("Relu", "x", "a")]))
    yield accepted("an initializer that is an input", model([node("Add", "x w", "y")], inputs=("x", "w"),
                                                            initializers=[weight()]))
    yield accepted("unused results", model([node("Relu", "x", "y"), node("Abs", "x", "a")]))
    yield accepted("a chain of 20 000", model(chain(MANY), inputs=("v0",), outputs=(f"v{MANY}",)))

    yield refused("two nodes, one result", model([node("Relu", "x", "y"), node("Abs", "x", "y")]))
    yield refused("one node, one result twice", model([node("Split", "x", "y y", num_outputs=2)]))
    yield refused("a node makes an input", model([node("Relu", "x", "y"), node("Abs", "y", "x")]))
    yield refused("a node makes an initializer", model([node("Relu", "x", "w"), node("Add", "x w", "y")],
                                                       initializers=[weight()]))
    yield refused("one initializer twice", model([node("Add", "x w", "y")], initializers=[weight(), weight()]))
    yield refused("one input twice", model([node("Relu", "x", "y")], inputs=("x", "x")))
    yield refused("a sparse and a dense initializer of one name", model(
        [node("Add", "x w", "y")], initializers=[weight()], sparse=[sparse_weight()]))
    yield refused("two results inside a branch", conditional(
        graph([node("Relu", "x", "inside"), node("Abs", "x", "inside")], ["inside"])))
    yield refused("one initializer twice in a branch", conditional(
        graph([node("Add", "x w", "inside")], ["inside"], initializers=[weight(), weight()])))


def sparse_weight():
    return helper.make_sparse_tensor(
        weight("w", (5.0,)), helper.make_tensor("", TensorProto.INT64, [1], [2]), [4])


def cycles():
    yield refused("a self loop", model([node("Add", "x y", "y")]))
    yield refused("a circle of two", model([node("Add", "x b", "a"), node("Relu", "a", "b")], outputs=("b",)))
    yield refused("a circle nothing reads", model(
        [node("Relu", "x", "y"), node("Relu", "a", "b"), node("Relu", "b", "a")]))
    yield refused("a circle of 20 000", model(
        [*chain(MANY), node("Relu", f"v{MANY}", "v0"), node("Relu", "x", "y")]))
    yield refused("a circle in a branch", conditional(
        graph([node("Add", "x b", "a"), node("Relu", "a", "b")], ["b"])))
    yield refused("a branch that needs its own If", conditional(graph([node("Relu", "y", "inside")], ["inside"])))
    branch = graph([node("Relu", "later", "inside")], ["inside"])
    other = graph([node("Abs", "x", "other")], ["other"])
    condition = helper.make_tensor("condition", TensorProto.BOOL, [], [True])
    needs = node("If", "condition", "y", then_branch=branch, else_branch=other)
    yield refused("a branch that needs what comes of it",
                  model([needs, node("Abs", "y", "later")], initializers=[condition]))
    yield accepted("a branch that needs what stands later",
                   model([needs, node("Abs", "x", "later")], initializers=[condition]))


def dangling():
    yield refused("a node reads nothing", model([node("Add", "x nothing", "y")]))
    yield refused("an output of nothing", model([node("Relu", "x", "y")], outputs=("y", "nothing")))
    yield refused("an output without a name", model([node("Relu", "x", "y")], outputs=("y", "")))
    yield refused("a branch reads nothing", conditional(graph([node("Add", "x nothing", "inside")], ["inside"])))
    yield refused("a branch's output is nothing", conditional(graph([node("Relu", "x", "inside")], ["nothing"])))
    inner = graph([node("Relu", "nothing", "deep")], ["deep"])
    outer = graph([node("If", "condition", "inside", then_branch=inner,
                        else_branch=graph([node("Abs", "x", "e")], ["e"]))], ["inside"])
    yield refused("a branch in a branch reads nothing", conditional(outer))
    sibling = graph([node("Relu", "x", "there")], ["there"])
    yield refused("a branch reads its sibling",
                  conditional(sibling, graph([node("Abs", "there", "here")], ["here"])))
    message = conditional(graph([node("Relu", "x", "inside")], ["inside"]))
    message.graph.node.append(node("Abs", "inside", "out"))
    yield refused("the graph reads out of a branch", message)
    yield accepted("a branch that reads the graph", conditional(graph([node("Relu", "x", "inside")], ["inside"])))
    yield accepted("an omitted input", model([helper.make_node("Clip", ["x", "", "w"], ["y"])],
                                             initializers=[helper.make_tensor("w", TensorProto.FLOAT, [], [1])]))


def parts():
    yield refused("no graph", wire.integer(wire.MODEL_IR_VERSION, 10) + wire.block(
        wire.MODEL_OPSET, wire.integer(2, 21)), "graph")
    yield refused("a node without an operator", wire.model(wire.graph(
        wire.block(wire.GRAPH_NODE, wire.block(wire.NODE_INPUT, "x"), wire.block(wire.NODE_OUTPUT, "z")))))
    yield accepted("an operator nobody knows", model([node("Whirl", "x", "y", domain="example.org")],
                                                     domains=["example.org"]))
    message = plain()
    del message.opset_import[:]
    yield accepted("no operator set", message)
    attribute = helper.make_attribute("alpha", 1.0)
    both = helper.make_attribute("alpha", 1.0)
    both.i = 3
    yield refused("an attribute with two values", with_attributes(both))
    listed = AttributeProto(name="alpha", type=AttributeProto.FLOATS, floats=[1.0], ints=[1])
    yield refused("an attribute with two lists", with_attributes(listed))
    yield refused("an attribute of another type than its value",
                  with_attributes(AttributeProto(name="alpha", type=AttributeProto.INT, f=1.0)))
    yield refused("an attribute of a type that does not exist", raw_attribute(wire.integer(20, 77)))
    yield refused("an attribute with a value and a reference",
                  with_attributes(AttributeProto(name="alpha", type=AttributeProto.FLOAT, f=1, ref_attr_name="a")))
    yield refused("an attribute twice", with_attributes(attribute, attribute))
    yield refused("an attribute without a name",
                  with_attributes(AttributeProto(type=AttributeProto.FLOAT, f=1.0)))
    yield refused("a tensor attribute without a tensor",
                  with_attributes(AttributeProto(name="value", type=AttributeProto.TENSOR)))
    yield refused("a graph attribute without a graph",
                  with_attributes(AttributeProto(name="body", type=AttributeProto.GRAPH)))
    yield accepted("an attribute", with_attributes(attribute))


def with_attributes(*attributes):
    message = model([node("LeakyRelu", "x", "y")])
    message.graph.node[0].attribute.extend(attributes)
    return message


def raw_attribute(*fields):
    return wire.model(wire.graph(wire.node("LeakyRelu", ["x"], ["z"], wire.block(
        wire.NODE_ATTRIBUTE, wire.block(wire.ATTRIBUTE_NAME, "alpha"), *fields))))


def cases():
    for part in (producers, cycles, dangling, parts):
        yield from part()
