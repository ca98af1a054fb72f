"""Processor time of commands, each in a process of its own."""

import os
import resource
import subprocess
import sys

from harness.core.errors import HarnessError

__all__ = ["command_cpu_s"]


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
