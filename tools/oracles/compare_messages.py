#!/usr/bin/env python3
"""Exits 0 if two ONNX files hold equal protobuf messages, 1 and the difference if not.

Usage: compare_messages.py A B. External data is not followed: the references are compared.
"""

import sys

import onnx


def first_difference(a, b, path="model"):
    """Where two messages of one type part, or None. Unknown fields count."""
    for field in a.DESCRIPTOR.fields:
        place, x, y = f"{path}.{field.name}", getattr(a, field.name), getattr(b, field.name)
        if field.is_repeated:
            if len(x) != len(y):
                return f"{place}: {len(x)} and {len(y)} elements"
            pairs = [(f"{place}[{index}]", *pair) for index, pair in enumerate(zip(x, y))]
        elif field.has_presence and a.HasField(field.name) != b.HasField(field.name):
            return f"{place}: present in one only"
        elif field.has_presence and not a.HasField(field.name):
            continue
        else:
            pairs = [(place, x, y)]
        for at, u, v in pairs:
            if field.message_type is None:
                # By representation, so that a NaN equals itself and 0.0 is not -0.0.
                if u is not v and repr(u) != repr(v):
                    return f"{at}: {str(u)[:80]!r} and {str(v)[:80]!r}"
            elif (difference := first_difference(u, v, at)) is not None:
                return difference
    if a.SerializeToString(deterministic=True) != b.SerializeToString(deterministic=True):
        return f"{path}: unknown fields differ"
    return None


def difference(a, b):
    """The first difference of two ONNX files, or None."""
    left, right = (onnx.load(str(path), load_external_data=False) for path in (a, b))
    if left.SerializeToString(deterministic=True) == right.SerializeToString(deterministic=True):
        return None
    return first_difference(left, right)


if __name__ == "__main__":
    found = difference(*sys.argv[1:])
    if found is not None:
        sys.exit(found)
