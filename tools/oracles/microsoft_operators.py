#!/usr/bin/env python3
"""Holds the operators of com.microsoft against onnxruntime: microsoft_operators.py PROGRAM [WORD ...].

Each case is a model of one node with random inputs of a fixed seed; with words, only cases whose names
have one of them run. What onnxruntime has no CPU kernel for is held against NumPy. Outputs agree where
no element is further off than 1e-5 of the largest, of float16 than 2e-3.
"""

import math
import pathlib
import sys
import tempfile
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from program import Checks, Program

DOMAIN = "com.microsoft"
B, S, N, H = 2, 5, 3, 4
D = N * H


class Case:
    """One node: `inputs` in order, None where absent; `outputs`, how many of them are asked for.

    `outputs` may also say of each whether it is. `reference` gives them where onnxruntime cannot; `keep`
    erases what is not specified.
    """

    def __init__(self, name, operator, inputs, outputs=1, domain=DOMAIN, reference=None, keep=None,
                 **attributes):
        self.name, self.operator, self.domain = name, operator, domain
        self.inputs, self.outputs, self.reference = inputs, outputs, reference
        self.keep = keep or (lambda values: values)
        self.attributes = attributes

    def model(self):
        names = [f"i{index}" if value is not None else "" for index, value in enumerate(self.inputs)]
        while names and not names[-1]:
            names.pop()
        outputs = [f"o{index}" if wanted else "" for index, wanted in enumerate(self.wanted)]
        node = helper.make_node(self.operator, names, outputs, domain=self.domain, **self.attributes)
        values = [helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in zip(names, self.inputs) if name]
        results = [helper.make_empty_tensor_value_info(name) for name in outputs if name]
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(helper.make_graph([node], "g", values, results),
                                 opset_imports=opsets, ir_version=10)

    @property
    def wanted(self):
        return [True] * self.outputs if isinstance(self.outputs, int) else self.outputs

    @property
    def feeds(self):
        return {f"i{index}": value for index, value in enumerate(self.inputs) if value is not None}

    def expected(self, model):
        if self.reference:
            return [np.asarray(value) for value in self.reference(*self.inputs)]
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, self.feeds)


def erf(x):
    return np.vectorize(math.erf)(x)


def gelu(x):
    return x / 2 * (1 + erf(x / math.sqrt(2)))


def plain_attention(q, k, v):
    """Of operands with heads first, into a result with heads beside one another."""
    scores = (q.astype("f8") @ k.swapaxes(-1, -2)) / math.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    y = weights / weights.sum(-1, keepdims=True) @ v
    return y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], -1).astype("f4")


def group_norm(x, gamma, beta, groups, epsilon, last, activates):
    x = x.astype("f8")
    if last:
        x = x.transpose(0, 3, 1, 2)
    n, c, h, w = x.shape
    y = x.reshape(n, groups, -1)
    y = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + epsilon)
    y = y.reshape(n, c, h, w) * gamma[:, None, None] + beta[:, None, None]
    if activates:
        y = y / (1 + np.exp(-y))
    return [(y.transpose(0, 2, 3, 1) if last else y).astype("f4")]


def normalisations(rng):
    def f(*shape):
        return rng.standard_normal(shape, dtype="f4")

    x, gamma, beta, bias = f(B, S, D), f(D), f(D), f(D)
    for label, skip in (("", f(B, S, D)), (" one sample", f(1, S, D)), (" two axes", f(S, D))):
        yield Case(f"SkipLayerNormalization{label}", "SkipLayerNormalization",
                   [x, skip, gamma, beta, bias], [True, False, False, True], epsilon=1e-5)
    yield Case("SkipLayerNormalization plain", "SkipLayerNormalization", [x, f(B, S, D), gamma])
    yield Case("SkipLayerNormalization rows", "SkipLayerNormalization",
               [f(7, D), f(7, D), gamma, beta], [True, False, False, True])

    def statistics(x, skip, gamma, beta, bias):
        s = (x + skip + bias).astype("f8")
        mean, inverse = s.mean(-1, keepdims=True), 1 / np.sqrt(s.var(-1, keepdims=True) + 1e-5)
        return [((s - mean) * inverse * gamma + beta).astype("f4"), mean.astype("f4"),
                inverse.astype("f4"), s.astype("f4")]

    yield Case("SkipLayerNormalization statistics", "SkipLayerNormalization",
               [x, f(B, S, D), gamma, beta, bias], 4, reference=statistics, epsilon=1e-5)
    yield Case("SkipSimplifiedLayerNormalization", "SkipSimplifiedLayerNormalization",
               [x, f(B, S, D), gamma, bias], [True, False, False, True], epsilon=1e-6)
    yield Case("SkipSimplifiedLayerNormalization plain", "SkipSimplifiedLayerNormalization",
               [f(7, D), f(7, D), gamma])
    yield Case("SimplifiedLayerNormalization", "SimplifiedLayerNormalization", [x, gamma], 2,
               domain="", epsilon=1e-6)
    yield Case("SimplifiedLayerNormalization axis 1", "SimplifiedLayerNormalization",
               [x, f(S, D)], domain="", axis=1)
    yield Case("SimplifiedLayerNormalization double", "SimplifiedLayerNormalization",
               [x.astype("f8"), gamma.astype("f8")], domain="", stash_type=11)
    ids = rng.integers(0, 11, (B, S), dtype="i4")
    segments = rng.integers(0, 2, (B, S), dtype="i4")
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], "i4")
    tables = [f(11, D), f(9, D), f(2, D), gamma, beta]
    yield Case("EmbedLayerNormalization", "EmbedLayerNormalization",
               [ids, segments, *tables, mask], 3, epsilon=1e-5)
    yield Case("EmbedLayerNormalization no mask", "EmbedLayerNormalization",
               [ids, segments, *tables], 2)
    yield Case("EmbedLayerNormalization no segments", "EmbedLayerNormalization",
               [ids, None, f(11, D), f(9, D), None, gamma, beta, mask], 2)
    for rows in (1, B):
        yield Case(f"EmbedLayerNormalization positions {rows}", "EmbedLayerNormalization",
                   [ids, segments, *tables, mask, rng.integers(0, 9, (rows, S), dtype="i4")], 2)
    for last, activation in ((1, 1), (1, 0), (0, 1)):
        image = f(2, 5, 6, 8) if last else f(2, 8, 5, 6)
        yield Case(
            f"GroupNorm {'NHWC' if last else 'NCHW'} {activation}", "GroupNorm", [image, f(8), f(8)],
            reference=lambda x, g, b, last=last, a=activation: group_norm(x, g, b, 4, 1e-5, last, a),
            groups=4, activation=activation, channels_last=last)


def activations(rng):
    def f(*shape):
        return rng.standard_normal(shape, dtype="f4")

    x, bias = 3 * f(B, S, 16), f(16)
    yield Case("FastGelu", "FastGelu", [x])
    yield Case("FastGelu bias", "FastGelu", [x, bias])
    yield Case("BiasGelu", "BiasGelu", [x, bias])
    yield Case("Gelu", "Gelu", [x])
    yield Case("QuickGelu", "QuickGelu", [x])
    yield Case("QuickGelu alpha", "QuickGelu", [x], alpha=1.0)
    yield Case("BiasAdd", "BiasAdd", [x, bias, f(B, S, 16)], reference=lambda *v: [sum(v)])
    yield Case("BiasSplitGelu", "BiasSplitGelu", [x, bias], reference=lambda x, b: [
        ((x + b)[..., :8] * gelu((x + b)[..., 8:])).astype("f4")])
    yield Case("ExpandDims", "ExpandDims", [x, np.array(-2, "i4")])
    yield Case("ExpandDims first", "ExpandDims", [x, np.array(0, "i4")])
    yield Case("Trilu", "Trilu", [x, np.array(1, "i8")], upper=0)
    yield Case("Pad", "Pad", [x, np.array([0, 1, 2, 0, 0, 1], "i8"), np.array(2, "f4")])


def products(rng):
    def f(*shape):
        return rng.standard_normal(shape, dtype="f4")

    yield Case("FusedMatMul", "FusedMatMul", [f(2, 3, 4, 5), f(3, 5, 6)], alpha=0.5)
    yield Case("FusedMatMul A", "FusedMatMul", [f(2, 5, 4), f(2, 5, 6)], transA=1)
    yield Case("FusedMatMul B", "FusedMatMul", [f(2, 4, 5), f(2, 6, 5)], transB=1, alpha=2.0)
    yield Case("FusedMatMul both", "FusedMatMul", [f(5, 4), f(6, 5)], transA=1, transB=1)
    yield Case("FusedMatMul double", "FusedMatMul",
               [f(2, 5, 4).astype("f8"), f(2, 5, 6).astype("f8")], transA=1)
    yield Case("FusedMatMul batch A", "FusedMatMul", [f(4, 2, 3, 5), f(2, 3, 5, 6)], transBatchA=1)
    yield Case("FusedMatMul batch B", "FusedMatMul", [f(2, 4, 5), f(5, 2, 6)], transBatchB=1)
    yield Case("FusedMatMul batches, both", "FusedMatMul", [f(5, 2, 4), f(6, 2, 5)],
               transBatchA=1, transBatchB=1, transA=1, transB=1)
    for activation, parameters in (
            ("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.1}), ("Tanh", {}), ("Sigmoid", {}),
            ("Elu", {"activation_alpha": 0.5}), ("Softplus", {}), ("Softsign", {}),
            ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4}),
            ("ThresholdedRelu", {"activation_alpha": 0.7}),
            ("Selu", {"activation_alpha": 1.6, "activation_gamma": 1.1})):
        yield Case(f"FusedGemm {activation}", "FusedGemm", [f(4, 5), f(6, 5), f(6)], transB=1,
                   alpha=0.5, beta=2.0, activation=activation, **parameters)
    x, w, b = f(2, 3, 6, 7), f(4, 3, 3, 3), f(4)
    for activation, parameters in (
            ("Relu", None), ("Tanh", None), ("Sigmoid", None), ("LeakyRelu", [0.2]),
            ("Clip", [-0.5, 0.75]), ("HardSigmoid", [0.3, 0.4])):
        extra = {"activation_params": parameters} if parameters else {}
        yield Case(f"FusedConv {activation}", "FusedConv", [x, w, b], pads=[1, 1, 1, 1],
                   activation=activation, **extra)
    yield Case("FusedConv Z", "FusedConv", [x, w, b, f(2, 4, 6, 7)], pads=[1, 1, 1, 1],
               activation="Relu")
    yield Case("FusedConv Z no bias", "FusedConv", [x, w, None, f(2, 4, 4, 5)])


def attention(rng):
    def f(*shape):
        return rng.standard_normal(shape, dtype="f4")

    x, w, b = f(B, S, 7), f(7, 3 * D), f(3 * D)
    past = 3
    t = past + S
    masks = {
        "lengths": np.array([2, S], "i4"),
        "starts": np.array([S, 4, 1, 0], "i4"),
        "keys": np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]], "i4"),
        "rows": rng.integers(0, 2, (B, S, S), dtype="i4"),
    }
    yield Case("Attention", "Attention", [x, w, b], num_heads=N)
    yield Case("Attention no bias", "Attention", [x, w], num_heads=N)
    yield Case("Attention unidirectional", "Attention", [x, w, b], num_heads=N, unidirectional=1)
    yield Case("Attention scale", "Attention", [x, w, b], num_heads=N, scale=0.3)
    yield Case("Attention sizes", "Attention", [x, f(7, 2 * D + 6), f(2 * D + 6)], num_heads=N,
               qkv_hidden_sizes=[D, D, 6])
    for name, mask in masks.items():
        yield Case(f"Attention {name}", "Attention", [x, w, b, mask], num_heads=N)
        yield Case(f"Attention {name} filter", "Attention", [x, w, b, mask], num_heads=N,
                   mask_filter_value=-2.0)
        yield Case(f"Attention {name} unidirectional", "Attention", [x, w, b, mask], num_heads=N,
                   unidirectional=1)
    states = f(2, B, N, past, H)
    yield Case("Attention past", "Attention", [x, w, b, None, states], 2, num_heads=N,
               unidirectional=1)
    yield Case("Attention past keys", "Attention",
               [x, w, b, rng.integers(0, 2, (B, t), dtype="i4"), states], 2, num_heads=N)
    yield Case("Attention present", "Attention", [x, w, b], 2, num_heads=N, unidirectional=1)
    for shape in ((1, N, S, S), (B, N, S, S), (1, 1, S, S)):
        yield Case(f"Attention bias {shape[:2]}", "Attention", [x, w, b, masks["keys"], None, f(*shape)],
                   num_heads=N)


def multi_head(rng):
    def f(*shape):
        return rng.standard_normal(shape, dtype="f4")

    length, e, past = 6, 5, 3
    q, k, v, b = f(B, S, D), f(B, length, D), f(B, length, N * e), f(2 * D + N * e)
    name = "MultiHeadAttention"

    def case(label, inputs, outputs=1, **attributes):
        return Case(f"{name} {label}", name, inputs, outputs, num_heads=N, **attributes)

    yield case("", [q, k, v])
    yield case("bias", [q, k, v, b])
    yield case("scale", [q, k, v, b], scale=0.2)
    yield case("packed", [f(B, S, N, 3, H)], reference=lambda x: [
        plain_attention(*x.transpose(3, 0, 2, 1, 4))])
    yield case("packed keys", [q, f(B, length, N, 2, H)], reference=lambda q, x: [
        plain_attention(q.reshape(B, S, N, H).transpose(0, 2, 1, 3), *x.transpose(3, 0, 2, 1, 4))])
    yield case("heads first", [q, f(B, N, length, H), f(B, N, length, H)])
    yield case("heads first bias", [q, f(B, N, length, H), f(B, N, length, H), f(3 * D)])
    for label, mask in (
            ("lengths", np.array([2, length], "i4")),
            ("keys", rng.integers(0, 2, (B, length), dtype="i4")),
            ("rows", rng.integers(0, 2, (B, S, length), dtype="i4"))):
        yield case(label, [q, k, v, b, mask])
        yield case(label + " filter", [q, k, v, None, mask], mask_filter_value=-3.0)
    for shape in ((1, N), (B, N), (1, 1), (B, 1)):
        yield case(f"attention_bias {shape}", [q, k, v, None, None, f(*shape, S, length)])
    same = [f(B, S, D), f(B, S, D), f(B, S, D)]
    yield case("unidirectional", same, unidirectional=1)
    states = [f(B, N, past, H), f(B, N, past, H)]
    yield case("past", [*same, f(3 * D), None, None, *states], 3)
    yield case("past unidirectional", [*same, None, None, None, *states], 3, unidirectional=1)
    yield case("past keys", [*same, None, rng.integers(0, 2, (B, past + S), dtype="i4"), None, *states],
               3)
    yield case("past bias", [*same, None, None, f(1, N, S, past + S), *states], 3)
    yield case("present", same, 3)


def group_query(rng):
    def f(*shape):
        return rng.standard_normal(shape, dtype="f4")

    heads, groups, width = 4, 2, 16
    name = "GroupQueryAttention"
    angles = np.arange(32)[:, None] / 10 ** (np.arange(width // 2) / 2)
    cos, sin = np.cos(angles).astype("f4"), np.sin(angles).astype("f4")

    def case(label, steps, past, lengths, capacity=None, rotary=False, packed=False, extra=(),
             samples=None, outputs=3, **attributes):
        samples = samples or len(lengths)
        if packed:
            qkv = [f(samples, steps, (heads + 2 * groups) * width), None, None]
        else:
            qkv = [f(samples, steps, heads * width), f(samples, steps, groups * width),
                   f(samples, steps, groups * width)]
        rows = capacity or past
        state = [f(samples, groups, rows, width), f(samples, groups, rows, width)] \
            if rows else [None, None]
        total = max(lengths)
        inputs = [*qkv, *state, np.array(lengths, "i4") - 1, np.array([total], "i4"),
                  *((cos, sin) if rotary else (None, None)), *extra]

        def keep(values):
            # What lies behind a sample's keys is not specified.
            for present in values[1:]:
                for sample, length in enumerate(lengths):
                    present[sample, :, length:] = 0
            return values

        return Case(f"{name} {label}", name, inputs, outputs, num_heads=heads, kv_num_heads=groups,
                    keep=keep, **({"do_rotary": 1} if rotary else {}), **attributes)

    yield case("prompt", 5, 0, [5, 5])
    yield case("prompt packed", 5, 0, [5, 5], packed=True)
    yield case("prompt rotary", 5, 0, [5, 5], rotary=True)
    yield case("prompt rotary packed", 5, 0, [5, 5], rotary=True, packed=True)
    yield case("prompt interleaved", 5, 0, [5, 5], rotary=True, rotary_interleaved=1)
    yield case("token", 1, 4, [5, 5])
    yield case("token rotary", 1, 4, [5, 5], rotary=True)
    yield case("token ragged", 1, 4, [5, 3], rotary=True)
    yield case("token buffer", 1, 4, [5, 5], capacity=9, rotary=True)
    yield case("chunk", 3, 4, [7], rotary=True)
    yield case("scale", 5, 0, [5, 5], scale=0.25)
    yield case("softcap", 5, 0, [5, 5], softcap=1.5)
    yield case("window", 6, 0, [6, 6], local_window_size=2)
    yield case("window token", 1, 6, [7, 7], local_window_size=3)
    yield case("smooth", 5, 0, [5, 5], smooth_softmax=1)
    yield case("sink", 5, 0, [5, 5], extra=(None, None, f(heads)))
    yield case("bias", 5, 0, [5, 5], extra=(None, f(1, heads, 5, 5)))
    yield case("bias token", 1, 4, [5, 5], extra=(None, f(2, 1, 1, 5)))
    yield case("positions", 1, 4, [5, 5], rotary=True, extra=(np.array([[4], [4]], "i8"),))


def rotary(rng):
    def f(*shape):
        return rng.standard_normal(shape, dtype="f4")

    name = "RotaryEmbedding"
    angles = np.arange(12)[:, None] / 10 ** np.arange(H // 2)
    cos, sin = np.cos(angles).astype("f4"), np.sin(angles).astype("f4")
    each = rng.integers(0, 12, (B, S)).astype("i8")
    for label, positions in (("first", np.array([3], "i8")), ("each", each)):
        for interleaved in (0, 1):
            yield Case(f"{name} {label} {interleaved}", name, [f(B, S, D), positions, cos, sin],
                       interleaved=interleaved)
    yield Case(f"{name} heads first", name, [f(B, N, S, H), each, cos, sin])
    yield Case(f"{name} partial", name, [f(B, S, N * 6), each, cos, sin], num_heads=N,
               rotary_embedding_dim=H)


FAMILIES = (normalisations, activations, products, attention, multi_head, group_query, rotary)


def run(case, program, checks, folder):
    model = case.model()
    try:
        expected = case.keep(case.expected(model))
    except Exception as error:  # onnxruntime's own kinds share no base but this one
        checks.row(case.operator, case.name, "no reference", str(error)[:200], False)
        return
    (folder / "data").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for kind, values in (("input", case.feeds.values()), ("output", expected)):
        for index, value in enumerate(values):
            tensor = numpy_helper.from_array(np.asarray(value, order="C"))
            (folder / "data" / f"{kind}_{index}.pb").write_bytes(tensor.SerializeToString())
    outcome = program("run", folder / "model.onnx", "--pbdir", folder / "data", "-o", folder / "out")
    if outcome.status not in (0, 1):
        checks.status(case.operator, case.name, outcome)
        return
    names = [f"o{index}" for index, wanted in enumerate(case.wanted) if wanted]
    got = case.keep([np.load(folder / "out" / f"{name}.npy") for name in names])
    worst, passed = 0.0, True
    for a, b in zip(expected, got, strict=True):
        passed &= a.shape == b.shape and a.dtype == b.dtype
        if not passed or not a.size:
            continue
        largest = max(float(np.abs(a.astype("f8")).max()), 1e-30)
        worst = max(worst, float(np.abs(a.astype("f8") - b.astype("f8")).max()) / largest)
    limit = 2e-3 if expected[0].dtype == np.float16 else 1e-5
    checks.row(case.operator, case.name, worst, f"<= {limit:g}", passed and worst <= limit)


def main():
    program, words, checks = Program(sys.argv[1]), sys.argv[2:], Checks()
    with tempfile.TemporaryDirectory() as scratch:
        for family in FAMILIES:
            rng = np.random.default_rng(zlib.crc32(family.__name__.encode()))
            for index, case in enumerate(family(rng)):
                if not words or any(word in case.name for word in words):
                    run(case, program, checks, pathlib.Path(scratch) / f"{family.__name__}{index}")
    print(f"{checks.failures} failures")
    sys.exit(1 if checks.failures else 0)


if __name__ == "__main__":
    main()
