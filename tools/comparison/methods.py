"""The methods compared, each as settings from mild to strong.

A setting is either options of the program or a number of sub-blocks for onnxsim. Those of the papers
are fitted on all calibration samples, as the papers do; the program's own choose how many they hold out.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    method: str
    label: str
    arguments: tuple[str, ...] = ()
    """Options of the program."""
    dropped: int = 0
    """For onnxsim: how many sub-blocks go."""


TITLES = {
    "shortgpt": "identity by BI (ShortGPT)",
    "block-redundancy": "identity by BR",
    "deeper-layers": "identity by angle (Deeper Layers)",
    "toast": "least squares by BR (TOAST)",
    "toast-published": "least squares on published spans (TOAST)",
    "replaceme": "folded span (ReplaceMe)",
    "onnxsim": "onnxsim block pruning",
    "ours-published": "ours on published spans",
    "ours-no-heal": "ours without healing",
    "ours": "ours",
}
RECIPES = ("shortgpt", "block-redundancy", "deeper-layers", "toast", "replaceme")
OURS = ("ours", "ours-no-heal", "ours-published")
# What a person who follows a paper holds out: as few samples as the program allows, for its own figures.
HELD_BY_PAPERS = 8


def settings(method, case, *, blocks, steps, samples, budgets, extra):
    """All settings of one method. A sequence ends where models are below the smallest budget.

    blocks: whole blocks of all streams; steps: all that onnxsim could drop; samples: of the
    calibration data; budgets: percentages; extra: options for the program's own methods.
    """
    holdout = ("--holdout", f"{min(HELD_BY_PAPERS / samples, 0.5):.6g}")
    if method in RECIPES:
        return [Setting(method, f"{count} block{'s' * (count > 1)}",
                        ("--recipe", method, "--blocks", str(count), *holdout))
                for count in range(1, blocks + 1)]
    if method == "toast-published":
        return [Setting(method, spans, ("--spans", spans, "--fit", "least-squares", *holdout))
                for spans in case.published_spans]
    if method == "ours-published":
        return [Setting(method, spans, ("--spans", spans)) for spans in case.published_spans]
    if method == "onnxsim":
        return [Setting(method, f"{count} sub-block{'s' * (count > 1)}", dropped=count)
                for count in range(1, steps + 1)]
    if method not in OURS:
        raise ValueError(f"no settings of method '{method}'")
    heal = ("--no-heal",) if method == "ours-no-heal" else ()
    return [Setting(method, f"{budget:g} %", ("--target-params", f"{budget:g}%", *heal, *extra))
            for budget in budgets]


def is_sequence(method):
    """Whether each setting of the method gives a smaller model than the one before."""
    return method in RECIPES or method == "onnxsim"
