"""Commands of `harness` whose changes of a home are recorded, and what a loss of power may have left of them.

It runs in a process into which `recorder.c` was loaded. Each command is a fork of this process. Every state that a loss
of power may leave is made on disk and examined; then the same command is called, and what is there is examined again.
"""

import functools
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from ctypes import CDLL, c_char_p
from dataclasses import dataclass, field
from pathlib import Path

from harness.staging.ledger import Ledger, RunRecord
from tests.integration.drivers import FIGURES
from tests.integration.nth_call.invariants import check_left
from tests.integration.nth_call.prepared import Prepared, call, forked, prepare, settle
from tests.integration.power_loss.crash_states import CrashState, crash_states
from tests.integration.power_loss.trace import Call, Disk, Kind, read_calls

ENDED = "ended"
LASTING = ("run", "report", "register")  # what they have done when they end is safe


@functools.cache
def recorder() -> CDLL:
    """Return the functions of `recorder.c`, with which this process was started."""
    loaded = CDLL(None)
    loaded.begin.argtypes = [c_char_p, c_char_p]
    loaded.note.argtypes = [c_char_p]
    return loaded


@dataclass
class Figures:
    """What came of losses of power in a command."""

    command: str
    calls: int
    syncs: int
    states: int = 0
    tried: int = 0
    violations: list[str] = field(default_factory=list)


def note_runs(save: Callable[[Ledger, RunRecord], None]) -> Callable[[Ledger, RunRecord], None]:
    """Let the record say of each run from when on it is promised to be there."""

    def saved(ledger: Ledger, record: RunRecord) -> None:
        save(ledger, record)
        recorder().note(f"{record.key}".encode())

    return saved


def recorded(prepared: Prepared, home: Path) -> tuple[Disk, list[Call]]:
    """Call a command in a home; return what was there before, and what changed it."""
    trace, said = home.with_name("trace"), home.with_name("said.txt")
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(prepared.original, home)
    before = Disk.read(home)

    def watched() -> int:
        recorder().begin(str(home).encode(), str(trace).encode())
        code = call(prepared.command.arguments(home), "first")
        recorder().note(ENDED.encode())
        recorder().end()
        return code

    assert forked(watched, said) == 0, said.read_text()
    calls = read_calls(trace)
    assert before.after(calls).tree() == Disk.read(home).tree(), "not every change is recorded"
    return before, calls


def tried(prepared: Prepared, disk: Disk, state: CrashState, home: Path) -> list[str]:
    """Return what is wrong after a loss of power, and after the command was called once more."""
    said, command, whole = home.with_name("said.txt"), prepared.command, prepared.expected
    shutil.rmtree(home, ignore_errors=True)
    disk.save(home)

    def look(*, ended: bool) -> int:
        check_left(command, home, whole, whole=ended)
        if lost := set(state.notes) - {ENDED} - command.look(home).keys():
            raise AssertionError(f"{lost} had been written")
        return 0

    wrong = []
    lasts = ENDED in state.notes and command.words[0] in LASTING
    if forked(lambda: look(ended=lasts), said):
        wrong.append(said.read_text()[-900:])
    if again := forked(lambda: call(command.arguments(home), "again"), said):
        wrong.append(f"called again, it ends with {again}: {said.read_text()[-600:]}")
    elif forked(lambda: look(ended=True), said):
        wrong.append(f"called again: {said.read_text()[-900:]}")
    return wrong


def campaign(name: str, stride: int, prepared: Prepared, home: Path) -> Figures:
    """Try every `stride`-th of the states, and those that come to the same once."""
    before, calls = recorded(prepared, home)
    figures, seen = Figures(name, len(calls), sum(one.kind == Kind.SYNC for one in calls)), set[tuple[object, ...]]()
    for state in crash_states(calls):
        figures.states += 1
        if figures.states % stride:
            continue
        disk = before.after(state.calls)
        if (known := (disk.digest(), state.notes)) not in seen:
            seen.add(known)
            figures.tried += 1
            figures.violations += [f"{name}: {state.what}: {line}" for line in tried(prepared, disk, state, home)]
    return figures


def main_of(cases: Sequence[tuple[str, int]], place: Path) -> None:
    """Write the figures of each command that is asked for as a line of JSON."""
    settle()
    setattr(Ledger, Ledger.save_run.__name__, note_runs(Ledger.save_run))
    for name, stride in cases:
        found = campaign(name, stride, prepare(name, place), place / "home")
        sys.stdout.write(FIGURES + json.dumps(vars(found)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main_of(json.loads(sys.argv[1]), Path.cwd())
