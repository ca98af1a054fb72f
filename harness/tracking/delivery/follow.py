"""The process that shows a study while it runs: `python -m harness.tracking.delivery.follow HOME STORE STUDY [FLAG]`.

It reads nothing but files and the ledger, so training never waits for it, and no lock of the interpreter is shared.
The process that started it holds the other end of its input. When that end is closed, on purpose or because the process
died, this one delivers what is left and ends. The last line of its output says what could not be delivered.
"""

import gc
import json
import logging
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from harness.staging.database import VARIABLE
from harness.staging.workspace import Workspace
from harness.tracking.delivery.destination import inherited_destination
from harness.tracking.delivery.lock import delivery_lock
from harness.tracking.delivery.process import SYSTEM_METRICS
from harness.tracking.delivery.projector import OBJECTS_A_COLLECTION, Projector

__all__ = ["follow"]

NICE = 10  # training goes first
# Between sessions Linux compares these, not the processes' own priorities, and this process has a session of its own.
AUTOGROUP = Path("/proc/self/autogroup")


def follow(arguments: Sequence[str]) -> None:
    """Show the study until the input is closed, then write a line of JSON about what is left."""
    workspace = Workspace(Path(arguments[0]), os.environ.get(VARIABLE), Path(arguments[1]))
    study = arguments[2]
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    destination = inherited_destination(os.environ, workspace.home)
    with delivery_lock(workspace.home, study, destination.uri):
        projector = Projector(
            workspace,
            study,
            lambda: destination.open_tracker(workspace.stages),
            system=SYSTEM_METRICS in arguments[3:],
            points=destination.points,
        )
        projector.follow(stop)
        sys.stdout.write(json.dumps(asdict(projector.finish())) + "\n")


def _give_way() -> None:
    os.nice(NICE)
    with suppress(OSError):  # another system, or one without groups
        AUTOGROUP.write_text(str(NICE))


def _wait_for_end(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


if __name__ == "__main__":
    gc.set_threshold(OBJECTS_A_COLLECTION)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    _give_way()
    follow(sys.argv[1:])
