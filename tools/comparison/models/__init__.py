"""The models that are compared on: a module each, called by its file's name with hyphens."""

import argparse
import importlib
import pathlib

from places import PREPARED


def names():
    return sorted(path.stem.replace("_", "-") for path in pathlib.Path(__file__).parent.glob("[a-z]*.py"))


def name(text):
    """A name on the command line; underscores do as well."""
    if (found := text.replace("_", "-")) in names():
        return found
    raise argparse.ArgumentTypeError(f"expected one of {', '.join(names())}, got '{text}'")


def case(name):
    """The Case of that name; its files are made where they are not there yet."""
    PREPARED.mkdir(parents=True, exist_ok=True)
    return importlib.import_module(f"models.{name.replace('-', '_')}").prepare(PREPARED)
