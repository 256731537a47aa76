#!/usr/bin/env python3
"""Writes onnxruntime's outputs: run_reference.py MODEL INPUTS.npz OUT.npz."""

import sys

import numpy as np

import reference

if __name__ == "__main__":
    model, inputs, out = sys.argv[1:]
    np.savez(out, **reference.outputs(model, reference.arrays(inputs)))
