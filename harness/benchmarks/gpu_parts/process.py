"""A part in a process of its own: figures come as lines of JSON, as soon as they are known.

An error of a GPU spoils its process for good, and a part may hang: neither must take the other parts with it.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module

import torch

from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts._base import Size

__all__ = ["figures_of", "main"]


def figures_of(part: str, device: torch.device, size: Size, limit_s: float) -> Iterator[Figure]:
    """Yield the figures of a part; one that says why, if it does not end well within `limit_s`."""
    command = [sys.executable, "-m", __name__, part, str(device), json.dumps(asdict(size))]
    lines: queue.Queue[str | None] = queue.Queue()
    until = time.monotonic() + limit_s
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True) as process,
    ):
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        try:
            while (line := lines.get(timeout=max(until - time.monotonic(), 0.0))) is not None:
                yield Figure(**json.loads(line))
            process.wait(timeout=max(until - time.monotonic(), 1.0))
        except (queue.Empty, subprocess.TimeoutExpired):
            yield Figure.missing(f"{part}: the rest", f"it took longer than {limit_s:.0f} s and was stopped")
            return
        finally:
            _end(process)
        if process.returncode:
            errors.seek(0)
            said = [line.strip() for line in errors if line.strip()]
            reason = said[-1] if said else f"it ended with code {process.returncode}"
            yield Figure.missing(f"{part}: the rest", reason)


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    for line in process.stdout or ():
        if line.startswith("{"):
            lines.put(line)
    lines.put(None)


def _end(process: "subprocess.Popen[str]") -> None:
    """End the process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Print the figures of a part; arguments are its name, the device, and the size as JSON."""
    from harness.training.determinism import make_deterministic

    part, device, size = arguments
    make_deterministic()
    values = json.loads(size)
    measure = import_module(f"harness.benchmarks.gpu_parts.{part}").measure
    for figure in measure(torch.device(device), Size(**{**values, "packs": tuple(values["packs"])})):
        sys.stdout.write(json.dumps(asdict(figure)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
