"""Processor time of commands, each in a process of its own."""

import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.errors import HarnessError

__all__ = ["Spent", "command_cpu_s", "spent_by"]

ADOPT_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER of Linux's prctl


@dataclass(frozen=True)
class Spent:
    """What a command took.

    Attributes:
        processor_s: of all processes that it started, those that outlived it among them.
        wall_s: until it ended; what goes on behind it is not waited for.
    """

    processor_s: float
    wall_s: float


def spent_by(command: Sequence[str]) -> Spent:
    """Run a command, and return what it and everything that it started took.

    Raises:
        HarnessError: it failed.
    """
    counting = [sys.executable, "-m", __spec__.name, *command]  # in a process that has no other children
    ended = subprocess.run(counting, capture_output=True, text=True, check=False, env=os.environ)
    if ended.returncode:
        raise HarnessError(f"expected {' '.join(command)} to end well, found: {ended.stderr.strip()}")
    return Spent(*json.loads(ended.stdout.splitlines()[-1]))


def _count(command: Sequence[str]) -> None:
    """Run a command, wait for all that it leaves behind, and print what both took."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)  # whose parent has ended becomes a child of this process
    began = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    wall = time.perf_counter() - began
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    sys.stdout.write(json.dumps([_of_children(), wall]) + "\n")
    sys.exit(code)


def command_cpu_s(*arguments: str, rounds: int = 1) -> float:
    """Call `harness` with `arguments`; return its processor time and that of the processes it waits for, in seconds.

    Of several rounds it is the shortest, since what disturbs only ever adds.

    Raises:
        HarnessError: the command failed.
    """
    return min(_once(arguments) for _ in range(rounds))


def _once(arguments: tuple[str, ...]) -> float:
    before = _of_children()
    ended = subprocess.run(
        [sys.executable, "-m", "harness", *arguments], capture_output=True, text=True, check=False, env=os.environ
    )
    if ended.returncode:
        raise HarnessError(f"expected harness {' '.join(arguments)} to end well, found: {ended.stderr.strip()}")
    return _of_children() - before


def _of_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    _count(sys.argv[1:])
