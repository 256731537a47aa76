"""Runs commands from a small process of its own, and measures them.

A process inherits the peak memory of the one that starts it, so measuring must not happen in a
process that has loaded onnx; and starting from a small one is fast. Without arguments this file is
that small process: a JSON array in, a JSON object out, a line each.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile

# What is kept of each output.
KEPT = 1 << 16


@dataclasses.dataclass
class Measurement:
    """How a command ended; `status` is negative for a signal, and None if it exceeded its time."""

    status: int | None
    stdout: str
    stderr: str
    seconds: float
    peak: int


class Launcher:
    """The other side of such a process. Use one from one thread at a time."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def __call__(self, command, folder, timeout):
        request = [list(map(str, command)), str(folder), timeout]
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return Measurement(**json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(command, folder, timeout):
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        started = os.times().elapsed
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        expired = []
        signal.signal(signal.SIGALRM, lambda *_: (expired.append(True), process.kill()))
        signal.setitimer(signal.ITIMER_REAL, timeout)
        _, status, usage = os.wait4(process.pid, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = os.times().elapsed - started
        texts = []
        for stream in (stdout, stderr):
            stream.seek(0)
            texts.append(stream.read(KEPT).decode(errors="backslashreplace"))
        return Measurement(None if expired else process.returncode, *texts, seconds,
                           usage.ru_maxrss * 1024)


def serve():
    for line in sys.stdin:
        print(json.dumps(dataclasses.asdict(measure(*json.loads(line)))), flush=True)


if __name__ == "__main__":
    serve()
