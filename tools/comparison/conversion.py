"""A conversion whose report is wanted, or else why there is none."""

TIMEOUT = 7200


# What the program says of a guard that nothing passes.
REFUSAL = "no set of spans that was measured stays within the limit"


class NoModel(Exception):
    """The program gave no model; the message is its status and its last words."""

    @property
    def is_refusal(self):
        return str(self).startswith("exit 1: ") and REFUSAL in str(self)


def report(program, model, *arguments):
    """What `convert` says of a model in JSON."""
    outcome = program("convert", model, *arguments, "--json", timeout=TIMEOUT)
    if outcome.status != 0:
        words = " ".join(outcome.stderr.split())
        raise NoModel(f"exit {outcome.status}: {words[-200:]}")
    return outcome.json
