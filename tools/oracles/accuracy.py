#!/usr/bin/env python3
"""Prints the share of samples onnxruntime classifies as labelled: accuracy.py MODEL DATA."""

import sys

import reference

if __name__ == "__main__":
    print(f"{reference.accuracy(*sys.argv[1:]):.4f}")
