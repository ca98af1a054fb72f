"""Commands of `harness` in whose n-th call of some kind to the system a fault happens, for one n after the other.

It runs in a process into which `shim.c` was loaded. All that is imported is imported once; each command is a fork of
this process, in a home that was prepared. What is left by the fault is examined, the same command is called once more,
without a fault, and what is there then is examined as well. That is done once for each content of a home: many faults
leave the same, because SQLite undoes what was not committed, and the clock stands still.
"""

import functools
import gc
import itertools
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from ctypes import CDLL, c_char_p, c_int, c_long
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from harness.staging import stage_writer
from harness.training import loop
from tests.integration.drivers import FIGURES
from tests.integration.nth_call.contents import digest_of_home
from tests.integration.nth_call.faults import FAULTS, Case, Fault
from tests.integration.nth_call.invariants import check_left
from tests.integration.nth_call.prepared import Prepared, call, forked, prepare, settle

KILLED = -9


@functools.cache
def shim() -> CDLL:
    """Return the functions of `shim.c`, with which this process was started."""
    loaded = CDLL(None)
    loaded.arm.argtypes = [c_char_p, c_int, c_long, c_int, c_int]
    loaded.calls.restype = c_long
    return loaded


@dataclass
class Figures:
    """What came of a fault in the calls of a command.

    Attributes:
        calls: there are without a fault.
        tried: faults.
        left: different contents of the home that they left, and no fault before of the same command.
        ends: how the command ended, with how often.
    """

    command: str
    fault: str
    calls: int = 0
    tried: int = 0
    left: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def tried(prepared: Prepared, fault: Fault, nth: int, home: Path) -> tuple[str, list[str]]:
    """Return how a command ended in whose call `nth` a fault happens, and what is wrong afterwards."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(prepared.original, home)
    said, arguments = home.with_name("said.txt"), prepared.command.arguments(home)

    def faulty() -> int:
        shim().arm(str(home).encode(), fault.kinds, nth, fault.error, int(fault.lasts))
        try:
            return call(arguments, "first")
        finally:
            shim().disarm()

    code = forked(faulty, said)
    first = said.read_text()
    wrong = [*faults_of_end(code, first, fault)] if shim().calls() >= nth else []
    left = digest_of_home(home, home.with_name("scratch")), code == 0
    if left not in prepared.sound:
        found = [*faults_of_what_is_left(prepared, home, whole=code == 0)]
        prepared.sound.update([] if found else [left])
        wrong += found
    return ("killed" if code == KILLED else str(code)), [f"{line}\n{first[-600:]}" for line in wrong]


def faults_of_what_is_left(prepared: Prepared, home: Path, *, whole: bool) -> Iterator[str]:
    """Yield what is wrong with what a command left, and with what comes of calling it once more."""
    said, command = home.with_name("said.txt"), prepared.command

    def examine(*, whole: bool) -> Iterator[str]:
        def look() -> int:
            check_left(command, home, prepared.expected, whole=whole)
            return 0

        if forked(look, said):
            yield said.read_text()[-900:]

    yield from examine(whole=whole)
    if again := forked(lambda: call(command.arguments(home), "again"), said):
        yield f"called again, it ends with {again}: {said.read_text()[-600:]}"
    yield from examine(whole=True)


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
    figures, known = Figures(name, fault), len(prepared.sound)
    for nth in numbers:
        end, wrong = tried(prepared, FAULTS[fault], nth, home)
        figures.calls = max(figures.calls, shim().calls() if end == "0" else 0)
        if end == "0" and shim().calls() < nth:
            break
        figures.tried += 1
        figures.ends[end] = figures.ends.get(end, 0) + 1
        figures.violations += [f"{name}, {fault}, call {nth}: {line}" for line in wrong]
    figures.left = len(prepared.sound) - known
    return figures


def numbered(first: int, stride: int, most: int) -> Iterator[int]:
    return iter(range(first, first + stride * most, stride)) if most else itertools.count(first, stride)


def stop_clocks() -> None:
    """Let what is written depend on no time: neither on that of day, nor on how long something took."""
    shim().stop_clock()
    still = SimpleNamespace(monotonic=float, perf_counter=float, thread_time=float)
    vars(loop)["time"] = vars(stage_writer)["time"] = still


def main_of(cases: Sequence[Case], place: Path) -> None:
    """Prepare everything, and write the figures of each command and fault that is asked for as a line of JSON."""
    settle()
    stop_clocks()
    prepared = {name: prepare(name, place) for name in dict.fromkeys(name for name, *_ in cases)}
    gc.freeze()  # or each fork looks through, and so copies, all that was imported
    for name, fault, first, stride, most in cases:
        found = campaign(name, fault, prepared[name], numbered(first, stride, most), place / "home")
        sys.stdout.write(FIGURES + json.dumps(vars(found)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main_of(json.loads(sys.argv[1]), Path.cwd())
