"""A conversion whose report is wanted, or else why there is none."""

TIMEOUT = 7200


# The status of a guard that nothing passes.
REFUSED = 1


class NoModel(Exception):
    """The program gave no model; the message is its status and its last words."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


def report(program, model, *arguments):
    """What `convert` says of a model in JSON."""
    outcome = program("convert", model, *arguments, "--json", timeout=TIMEOUT)
    if outcome.status != 0:
        words = " ".join(outcome.stderr.split())
        raise NoModel(f"exit {outcome.status}: {words[-200:]}", outcome.status)
    return outcome.json
