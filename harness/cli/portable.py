"""Whether instruction sets are pinned: that is decided before torch is loaded, so before any command begins."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from harness.core.instruction_sets import is_pinned, pin, unpin

__all__ = ["AsRecorded", "Portable", "choose_instruction_sets", "train_as_recorded"]

ON, OFF = "--portable", "--no-portable"
HELP = "Use the instruction sets of AVX2 alone: processors with more give the same bits, more slowly"

Portable = Annotated[bool, typer.Option(f"{ON}/{OFF}", help=f"{HELP}.")]
AsRecorded = Annotated[
    bool | None, typer.Option(f"{ON}/{OFF}", help=f"{HELP}; by default as when the run was trained.")
]


_chosen: list[bool] = []  # whether they are pinned, in a process that could still decide it


def choose_instruction_sets(arguments: Sequence[str]) -> None:
    """Pin this process, or undo it, if the command's `arguments` say so; too late once torch is loaded."""
    if "torch" in sys.modules:
        return
    if OFF in arguments:
        unpin()
    elif ON in arguments:
        pin()
    _chosen[:] = [is_pinned()]


def train_as_recorded(pinned: bool, asked: bool | None) -> None:
    """Begin this command anew if it trains again what was trained with other instruction sets, unless `asked` for some.

    A process cannot change them once torch is loaded. One that could not choose stays as it is.
    """
    if asked is None and _chosen and _chosen != [pinned]:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "harness", *sys.argv[1:], ON if pinned else OFF])
