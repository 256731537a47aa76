"""The methods compared, each as settings from mild to strong.

A setting is either options of the program or a number of sub-blocks for onnxsim. Those of the papers
are fitted on all calibration samples but a few; the program's own choose how many they hold out.
"""
from collections.abc import Callable
from dataclasses import dataclass

# What a person who follows a paper holds out: a few samples, for the program's own figures.
HELD_BY_PAPERS = 8


@dataclass(frozen=True)
class Setting:
    method: str
    label: str
    arguments: tuple[str, ...] = ()
    """Options of the program."""
    dropped: int = 0
    """In place of options: how many sub-blocks onnxsim is to drop."""


@dataclass(frozen=True)
class Extent:
    """What the settings of a comparison depend on."""
    blocks: int
    """Whole blocks of all streams."""
    steps: int
    """All that onnxsim could drop."""
    samples: int
    """Of the calibration data."""
    budgets: tuple[float, ...]
    """Percentages of the parameters."""
    published_spans: tuple[str, ...]
    extra: tuple[str, ...] = ()
    """Options for what the program itself chooses."""

    @property
    def holdout(self):
        return ("--holdout", f"{min(HELD_BY_PAPERS / self.samples, 0.5):.6g}")


@dataclass(frozen=True)
class Method:
    title: str
    colour: str
    settings: Callable[[str, Extent], list[Setting]]
    """All settings of the method, given its name."""
    is_ours: bool = False
    is_sequence: bool = False
    """Whether each setting gives a smaller model than the one before; it ends where models are below the
    smallest budget."""


def counted(count, noun):
    return f"{count} {noun}{'s' * (count > 1)}"


def of_recipe(name, extent):
    return [Setting(name, counted(count, "block"), ("--recipe", name, "--blocks", str(count), *extent.holdout))
            for count in range(1, extent.blocks + 1)]


def as_published(name, extent):
    return [Setting(name, spans, ("--spans", spans, "--fit", "least-squares", *extent.holdout))
            for spans in extent.published_spans]


def of_pruning(name, extent):
    return [Setting(name, counted(count, "sub-block"), dropped=count) for count in range(1, extent.steps + 1)]


def ours_on_spans(name, extent):
    return [Setting(name, spans, ("--spans", spans)) for spans in extent.published_spans]


def ours(name, extent, *options):
    return [Setting(name, f"{budget:g} %", ("--target-params", f"{budget:g}%", *options, *extent.extra))
            for budget in extent.budgets]


def ours_without_healing(name, extent):
    return ours(name, extent, "--no-heal")


def recipe(title, colour):
    """What the program does by --recipe under the method's name."""
    return Method(title, colour, of_recipe, is_sequence=True)


# By their names on the command line, in the order of tables; a line here is all that a method needs.
METHODS = {
    "shortgpt": recipe("identity by BI (ShortGPT)", "#8c564b"),
    "block-redundancy": recipe("identity by BR", "#e377c2"),
    "deeper-layers": recipe("identity by angle (Deeper Layers)", "#7f7f7f"),
    "toast": recipe("least squares by BR (TOAST)", "#ff7f0e"),
    "toast-published": Method("least squares on published spans (TOAST)", "#bcbd22", as_published),
    "replaceme": recipe("folded span (ReplaceMe)", "#2ca02c"),
    "onnxsim": Method("onnxsim block pruning", "#9467bd", of_pruning, is_sequence=True),
    "ours-published": Method("ours on published spans", "#17becf", ours_on_spans, is_ours=True),
    "ours-no-heal": Method("ours without healing", "#1f77b4", ours_without_healing, is_ours=True),
    "ours": Method("ours", "#d62728", ours, is_ours=True),
}
