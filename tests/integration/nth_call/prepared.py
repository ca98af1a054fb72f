"""Commands of `harness`, each prepared in a home, that are called in forks of a process in which all is imported."""

import os
import shutil
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch

from harness.reporting import report
from harness.search import check
from harness.staging import snapshot_files
from harness.tracking.delivery import projector
from tests.in_process import exit_code
from tests.integration.nth_call.invariants import COMMANDS, Command, Contents, in_home
from tests.integration.unreported import unreport
from tests.migrations import read_migrations_once
from tests.undrawn import undraw

__all__ = ["Prepared", "call", "forked", "prepare", "settle"]

SURPRISED = 70


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


def call(arguments: Sequence[str], draws: str) -> int:
    """Call `harness`; return its exit code. Identities that it draws follow from `draws`."""
    drawn = Random(draws)
    vars(uuid).update(uuid4=lambda: uuid.UUID(int=drawn.getrandbits(128), version=4))
    return exit_code(arguments)


@dataclass(frozen=True)
class Prepared:
    """A command, the folder from which its home is copied, and what it comes to if nothing happens.

    Attributes:
        sound: the contents of homes from which it went on as it should, and whether it had succeeded before.
    """

    command: Command
    original: Path
    expected: Contents
    sound: set[tuple[str, bool]] = field(default_factory=set)


def prepare(name: str, place: Path) -> Prepared:
    """Make the home of a command, and call it in a copy: in this process, which imports everything meanwhile."""
    command, original, home = COMMANDS[name], place / name, place / "home"
    original.mkdir()
    shutil.rmtree(home, ignore_errors=True)
    for words in command.before:
        assert call(in_home(words, original), "before") == 0
    command.make(original)
    shutil.copytree(original, home)
    assert call(command.arguments(home), "first") == 0
    return Prepared(command, original, command.look(home))


def make_reports_once() -> None:
    """Let this process make the files of each report once: they follow from its sources alone."""
    made, make = dict[tuple[tuple[str, bytes], ...], dict[str, bytes]](), report.report_files

    def known(sources: Mapping[str, bytes]) -> dict[str, bytes]:
        key = tuple(sources.items())
        made[key] = made.get(key) or make(sources)
        return made[key]

    vars(report)["report_files"] = known


def settle() -> None:
    """Let this process do what is tried in it, and nothing that is tried elsewhere or depends on time."""
    torch.set_num_threads(1)
    undraw()
    read_migrations_once()
    unreport()  # reports have a command of their own
    make_reports_once()
    vars(check).update(check_study=lambda *_: ())  # it touches no file
    # As in a large snapshot, so that those of a small network go the way of several files as well.
    vars(snapshot_files).update(LARGE_BYTES=0, LARGE_TENSOR_BYTES=512)
    vars(projector).update(FIRST_RETRY_S=projector.RETRY_FOR_S)  # what fails once fails again
