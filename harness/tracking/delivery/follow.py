"""The process that shows a study while it runs: `python -m harness.tracking.delivery.follow HOME STORE STUDY ...`.

Behind these stand the names of trackers, each of which has a thread of its own, and perhaps a flag. The process reads
nothing but files and the ledger, so training never waits for it, and no lock of the interpreter is shared.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from harness.staging.database import VARIABLE
from harness.staging.workspace import Workspace
from harness.tracking.delivery.destination import Destination, inherited_destinations
from harness.tracking.delivery.lock import delivery_lock
from harness.tracking.delivery.process import SYSTEM_METRICS
from harness.tracking.delivery.projector import OBJECTS_A_COLLECTION, Projector
from harness.tracking.delivery.undelivered import Undelivered, together
from harness.tracking.live.attempts import Readers

__all__ = ["follow"]

NICE = 10  # training goes first
# Between sessions Linux compares these, not the processes' own priorities, and this process has a session of its own.
AUTOGROUP = Path("/proc/self/autogroup")


def follow(arguments: Sequence[str]) -> None:
    """Show the study until the input is closed, then write a line of JSON about what is left."""
    home, store, study = Path(arguments[0]), Path(arguments[1]), arguments[2]
    trackers = [name for name in arguments[3:] if name != SYSTEM_METRICS]
    shown = inherited_destinations(trackers, os.environ, home)
    stop, readers = threading.Event(), Readers(len(shown))
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()

    def follow_one(destination: Destination) -> Undelivered:
        workspace = Workspace(home, os.environ.get(VARIABLE), store)
        with delivery_lock(home, study, destination.uri):
            projector = Projector(
                workspace,
                study,
                lambda: destination.open_tracker(store),
                system=SYSTEM_METRICS in arguments[3:],
                points=destination.points,
                readers=readers,
            )
            projector.follow(stop)
            return replace(projector.finish(), where=destination.title)

    with ThreadPoolExecutor(len(shown)) as threads:
        left = together(list(threads.map(follow_one, shown)))
    sys.stdout.write(json.dumps(asdict(left)) + "\n")


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
