#!/usr/bin/env python3
"""onnxsim's block pruning on real data: onnxsim_pruning.py MODEL CALIBRATION OUT COUNT.

Drops COUNT sub-blocks or as many as onnxsim finds, then the nodes and weights that nothing needs any
more, which it leaves. Exits 1 where it finds none.
"""
import sys

import onnx
import onnxsim

import places  # noqa: F401
import reference
import surgery


def main(source, calibration, out, count):
    model = onnx.load(source)
    data = [feeds for feeds, _ in reference.batches(reference.session(source), reference.arrays(calibration))]

    result = onnxsim.apply_transformer_block_pruning(
        model, calibration_data=data, num_blocks_to_drop=int(count))
    if len(result.graph.node) == len(model.graph.node):
        print("onnxsim: error: finds no sub-block to drop", file=sys.stderr)
        return 1
    surgery.drop_unused(result.graph)
    onnx.save(result, out)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
