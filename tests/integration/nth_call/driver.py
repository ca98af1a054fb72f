"""Commands of `harness` in whose n-th call of some kind to the system a fault happens, for one n after the other.

It runs in a process into which `shim.c` was loaded. All that is imported is imported once; each command is a fork of
this process, in a home that was prepared. What is left by the fault is examined, the same command is called once more,
without a fault, and what is there then is examined as well.
"""

import functools
import itertools
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from ctypes import CDLL, c_char_p, c_int, c_long
from dataclasses import dataclass, field
from pathlib import Path

import torch

from harness.cli.main import main
from harness.staging import snapshot_files
from harness.tracking.delivery import projector
from tests.integration.drivers import FIGURES
from tests.integration.nth_call.faults import FAULTS, Case, Fault
from tests.integration.nth_call.invariants import COMMANDS, Command, Contents, check_left, in_home
from tests.integration.unreported import unreport
from tests.migrations import read_migrations_once
from tests.undrawn import undraw

KILLED, SURPRISED = -9, 70


@functools.cache
def shim() -> CDLL:
    """Return the functions of `shim.c`, with which this process was started."""
    loaded = CDLL(None)
    loaded.arm.argtypes = [c_char_p, c_int, c_long, c_int, c_int]
    loaded.calls.restype = c_long
    return loaded


@dataclass
class Figures:
    """What came of a fault in the calls of a command."""

    command: str
    fault: str
    calls: int = 0
    tried: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def forked(action: Callable[[], int], said: Path) -> int:
    """Return how a process that calls `action` ended, which writes to `said`; the number of the signal is negative."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = SURPRISED
    with said.open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    try:
        code = action()
    except BaseException:  # noqa: BLE001  # the parent is told
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


def call(arguments: Sequence[str]) -> int:
    """Call `harness`; return its exit code."""
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@dataclass(frozen=True)
class Prepared:
    """A command, the folder from which its home is copied, and what it comes to if nothing happens."""

    command: Command
    original: Path
    expected: Contents


def tried(prepared: Prepared, fault: Fault, nth: int, home: Path) -> tuple[str, list[str]]:
    """Return how a command ended in whose call `nth` a fault happens, and what is wrong afterwards."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(prepared.original, home)
    said, arguments = home.with_name("said.txt"), prepared.command.arguments(home)

    def faulty() -> int:
        shim().arm(str(home).encode(), fault.kinds, nth, fault.error, int(fault.lasts))
        try:
            return call(arguments)
        finally:
            shim().disarm()

    def examine(*, whole: bool) -> list[str]:
        def look() -> int:
            check_left(prepared.command, home, prepared.expected, whole=whole)
            return 0

        return [said.read_text()[-900:]] if forked(look, said) else []

    code = forked(faulty, said)
    first = said.read_text()
    wrong = [*faults_of_end(code, first, fault)] if shim().calls() >= nth else []
    wrong += examine(whole=code == 0)
    if again := forked(lambda: call(arguments), said):
        wrong.append(f"called again, it ends with {again}: {said.read_text()[-600:]}")
    wrong += examine(whole=True)
    return ("killed" if code == KILLED else str(code)), [f"{line}\n{first[-600:]}" for line in wrong]


def faults_of_end(code: int, said: str, fault: Fault) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    if code not in ((KILLED,) if fault.error == 0 else (0, 1, 2)):
        yield f"it ended with {code}"
    if "Traceback" in said:
        yield "it ended with a traceback"
    if code > 0 and not any(words in said for words in fault.said):
        yield "it does not name the cause"


def campaign(name: str, fault: str, prepared: Prepared, numbers: Iterator[int], home: Path) -> Figures:
    """Try the calls of `numbers` until there are no more."""
    figures = Figures(name, fault)
    for nth in numbers:
        end, wrong = tried(prepared, FAULTS[fault], nth, home)
        figures.calls = max(figures.calls, shim().calls() if end == "0" else 0)
        if end == "0" and shim().calls() < nth:
            break
        figures.tried += 1
        figures.ends[end] = figures.ends.get(end, 0) + 1
        figures.violations += [f"{name}, {fault}, call {nth}: {line}" for line in wrong]
    return figures


def prepare(name: str, place: Path) -> Prepared:
    """Make the home of a command, and call it in a copy: in this process, which imports everything meanwhile."""
    command, original, home = COMMANDS[name], place / name, place / "home"
    original.mkdir()
    shutil.rmtree(home, ignore_errors=True)
    for words in command.before:
        assert call(in_home(words, original)) == 0
    command.make(original)
    shutil.copytree(original, home)
    assert call(command.arguments(home)) == 0
    return Prepared(command, original, command.look(home))


def numbered(first: int, stride: int, most: int) -> Iterator[int]:
    return iter(range(first, first + stride * most, stride)) if most else itertools.count(first, stride)


def settle() -> None:
    """Let this process do what is tried in it, and nothing that is tried elsewhere or depends on time."""
    torch.set_num_threads(1)
    undraw()
    read_migrations_once()
    unreport()  # reports have a command of their own
    # As in a large snapshot, so that those of a small network go the way of several files as well.
    vars(snapshot_files).update(LARGE_BYTES=0, LARGE_TENSOR_BYTES=512)
    vars(projector).update(FIRST_RETRY_S=projector.RETRY_FOR_S)  # what fails once fails again


def main_of(cases: Sequence[Case], place: Path) -> None:
    """Prepare everything, and write the figures of each command and fault that is asked for as a line of JSON."""
    settle()
    prepared = {name: prepare(name, place) for name in dict.fromkeys(name for name, *_ in cases)}
    for name, fault, first, stride, most in cases:
        found = campaign(name, fault, prepared[name], numbered(first, stride, most), place / "home")
        sys.stdout.write(FIGURES + json.dumps(vars(found)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main_of(json.loads(sys.argv[1]), Path.cwd())
