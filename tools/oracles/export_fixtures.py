#!/usr/bin/env python3
"""Exports networks with seeded random weights, as PyTorch's two exporters write them.

Usage: export_fixtures.py OUT [--size small|full] [NAME ...]

Writes OUT/NAME.onnx, and OUT/NAME.npz holding each input under its name and onnxruntime's outputs
under `expected/` and theirs. `small` networks are a few hundred kilobytes, for the tests; `full` ones
have the published dimensions.

Needs torch, torchvision, transformers, onnxscript, onnx and onnxruntime: the exports are kept under
Tests/Fixtures/exports, so that no test needs this script. Made with torch 2.15.0, torchvision 0.29.2
and the transformers release named in the files' producer metadata.
"""

import argparse
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
import transformers

BATCH = 2


def pictures(side):
    return {"pixel_values": np.random.default_rng(7).standard_normal((BATCH, 3, side, side)).astype("f4")}


def tokens(vocabulary, length):
    generator = np.random.default_rng(7)
    mask = np.ones((BATCH, length), "i8")
    mask[1, length * 3 // 4 :] = 0
    return {
        "input_ids": generator.integers(0, vocabulary, (BATCH, length)),
        "attention_mask": mask,
        "token_type_ids": generator.integers(0, 2, (BATCH, length)),
    }


def configuration(small, **full):
    """The published dimensions, or two narrow layers."""
    if not small:
        return full
    narrow = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    return full | narrow


class Outputs(torch.nn.Module):
    """Calls a transformers model by position and returns the one tensor that matters."""

    def __init__(self, model, names, output):
        super().__init__()
        self.model, self.names, self.output = model, names, output

    def forward(self, *values):
        return getattr(self.model(**dict(zip(self.names, values))), self.output)


def torchvision_vit(small):
    side, patch = (32, 8) if small else (224, 16)
    shape = dict(num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=64) if small else dict(
        num_layers=12, num_heads=12, hidden_dim=768, mlp_dim=3072)
    model = torchvision.models.VisionTransformer(
        image_size=side, patch_size=patch, num_classes=10 if small else 1000, **shape)
    torch.nn.init.normal_(model.heads.head.weight, std=0.1)
    return model, pictures(side), "logits"


def resnet(small):
    if small:
        model = torchvision.models.ResNet(
            torchvision.models.resnet.Bottleneck, [2, 2, 1, 1], num_classes=10, width_per_group=4)
        narrow(model)
    else:
        model = torchvision.models.resnet50()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
    return model, pictures(64 if small else 224), "logits"


def narrow(model):
    """Keeps an eighth of every convolution's channels (the stem's three inputs stay)."""
    for name, module in list(model.named_modules()):
        parent = model.get_submodule(name.rpartition(".")[0])
        leaf = name.rpartition(".")[2]
        if isinstance(module, torch.nn.Conv2d):
            inputs = module.in_channels if module.in_channels == 3 else max(4, module.in_channels // 8)
            setattr(parent, leaf, torch.nn.Conv2d(
                inputs, max(4, module.out_channels // 8), module.kernel_size, module.stride,
                module.padding, bias=False))
        elif isinstance(module, torch.nn.BatchNorm2d):
            setattr(parent, leaf, torch.nn.BatchNorm2d(max(4, module.num_features // 8)))
    model.fc = torch.nn.Linear(model.fc.in_features // 8, model.fc.out_features)


def transformers_vit(small, kind="ViT"):
    side, patch = (32, 8) if small else (224, 16)
    config = getattr(transformers, f"{kind}Config")(
        **configuration(small, hidden_size=384, num_hidden_layers=12, num_attention_heads=6,
                        intermediate_size=1536),
        image_size=side, patch_size=patch, num_labels=10 if small else 1000)
    model = getattr(transformers, f"{kind}ForImageClassification")(config)
    inputs = pictures(side)
    return Outputs(model, list(inputs), "logits"), inputs, "logits"


def deit(small):
    return transformers_vit(small, "DeiT")


def dinov2(small):
    side, patch = (28, 7) if small else (224, 14)
    full = dict(hidden_size=384, num_hidden_layers=12, num_attention_heads=6)
    layers = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4) if small else full
    model = transformers.Dinov2Model(transformers.Dinov2Config(
        **layers, mlp_ratio=2 if small else 4, image_size=side, patch_size=patch))
    inputs = pictures(side)
    return Outputs(model, list(inputs), "last_hidden_state"), inputs, "last_hidden_state"


def bert(small):
    vocabulary = 96 if small else 30522
    config = transformers.BertConfig(
        **configuration(small, hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
                        intermediate_size=3072),
        vocab_size=vocabulary, max_position_embeddings=32 if small else 512)
    inputs = tokens(vocabulary, 12 if small else 128)
    model = transformers.BertModel(config, add_pooling_layer=False)
    return Outputs(model, list(inputs), "last_hidden_state"), inputs, "last_hidden_state"


def distilbert(small):
    vocabulary = 96 if small else 30522
    shape = dict(dim=32, n_layers=2, n_heads=4, hidden_dim=64) if small else {}
    config = transformers.DistilBertConfig(
        **shape, vocab_size=vocabulary, max_position_embeddings=32 if small else 512)
    inputs = tokens(vocabulary, 12 if small else 128)
    del inputs["token_type_ids"]
    return Outputs(transformers.DistilBertModel(config), list(inputs), "last_hidden_state"), inputs, \
        "last_hidden_state"


def gpt2(small):
    vocabulary = 96 if small else 50257
    shape = dict(n_embd=32, n_layer=2, n_head=4, n_positions=32) if small else {}
    config = transformers.GPT2Config(**shape, vocab_size=vocabulary, use_cache=False)
    inputs = tokens(vocabulary, 12 if small else 128)
    del inputs["token_type_ids"]
    return Outputs(transformers.GPT2Model(config), list(inputs), "last_hidden_state"), inputs, \
        "last_hidden_state"


MODELS = {
    "torchvision-vit": torchvision_vit,
    "torchvision-resnet": resnet,
    "transformers-vit": transformers_vit,
    "transformers-deit": deit,
    "transformers-dinov2": dinov2,
    "transformers-bert": bert,
    "transformers-distilbert": distilbert,
    "transformers-gpt2": gpt2,
}

# Name of the export: the network, then the exporter and the opset asked of it.
EXPORTS = {
    **{f"{name}.torchscript{opset}": (name, opset, False)
       for name in MODELS for opset in ((9, 11) if name == "torchvision-resnet" else (14, 17))},
    **{f"{name}.dynamo18": (name, 18, True) for name in MODELS},
}


def export(model, inputs, output, path, opset, dynamo):
    values = tuple(torch.from_numpy(value) for value in inputs.values())
    if dynamo:
        shapes = tuple({0: torch.export.Dim.DYNAMIC} for _ in values)
        dynamic = {"dynamic_shapes": (shapes,) if isinstance(model, Outputs) else shapes}
    else:
        dynamic = {"dynamic_axes": {name: {0: "batch"} for name in [*inputs, output]}}
    with torch.no_grad():
        torch.onnx.export(
            model, values, str(path), input_names=list(inputs), output_names=[output],
            opset_version=opset, dynamo=dynamo, external_data=False, verbose=False, **dynamic)
    forget_paths(path)


def forget_paths(path):
    """Removes the stack traces the dynamo exporter leaves: they name files of the exporting machine."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if not entry.key.endswith("stack_trace")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=list(EXPORTS), metavar="NAME")
    parser.add_argument("--size", choices=["small", "full"], default="small")
    arguments = parser.parse_intermixed_args()
    # The TorchScript exporter knows no fused attention layer.
    torch.backends.mha.set_fastpath_enabled(False)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        network, opset, dynamo = EXPORTS[name]
        torch.manual_seed(11)
        model, inputs, output = MODELS[network](arguments.size == "small")
        path = arguments.out / f"{name}.onnx"
        export(model.eval(), inputs, output, path, opset, dynamo)
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        expected = session.run(None, inputs)
        np.savez_compressed(
            path.with_suffix(".npz"), **inputs,
            **{f"expected/{o.name}": value for o, value in zip(session.get_outputs(), expected)})
        print(f"{name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
