"""Malformed and hostile ONNX files, a module for each group; written by tools/oracles/hostile_onnx.py."""
