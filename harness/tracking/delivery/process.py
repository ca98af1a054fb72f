"""Showing a study while it runs: starting and ending the process that does it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

import harness
from harness.staging.database import VARIABLE
from harness.staging.workspace import Workspace
from harness.tracking.delivery.destination import Destination
from harness.tracking.delivery.undelivered import Undelivered
from harness.tracking.delivery.used_trackers import save_trackers
from harness.tracking.live.format import live_folder

__all__ = ["SYSTEM_METRICS", "Delivery", "start_delivery"]

LOG = "delivery.log"
SYSTEM_METRICS = "--system-metrics"  # an argument of the process
STOP_LIMIT_S = 15.0


@final
class Delivery:
    """A process that delivers; leaving the context ends it, and `harness sync` delivers what it has not."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, where: str = "") -> None:
        self._process = process
        self._log = log
        self._where = where
        self._left: Undelivered | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(limit_s=STOP_LIMIT_S)

    def finish(self, *, limit_s: float | None = None) -> Undelivered:
        """Wait until everything is delivered, or cannot be, or `limit_s` has passed; return what is left."""
        if self._left is None:
            self._left = self._end(limit_s)
        return self._left

    def _end(self, limit_s: float | None) -> Undelivered:
        try:
            answer, _ = self._process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()  # as safe as any other end: what was delivered is not delivered again
            self._process.communicate()
            return Undelivered(reason=f"not within {limit_s:g} s", where=self._where)
        with suppress(ValueError, TypeError, IndexError):
            return Undelivered(**json.loads(answer.splitlines()[-1]))
        return Undelivered(reason=f"the process that delivers has failed, see {self._log}", where=self._where)


def start_delivery(
    destinations: Sequence[Destination],
    workspace: Workspace,
    study: str,
    *,
    system_metrics: bool = False,
) -> Delivery:
    """Start showing a study at all `destinations` while its runs go on; the study may be begun later.

    `system_metrics` adds what the processes that train use of the machine.
    """
    folder = live_folder(workspace.home, study)
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [str(workspace.home.absolute()), str(workspace.stages.absolute()), study]
    arguments += [destination.tracker for destination in destinations]
    arguments += [SYSTEM_METRICS] if system_metrics else []
    # -P: a file mlflow.py in the working folder must not pass for MLflow.
    command = [sys.executable, "-P", "-m", "harness.tracking.delivery.follow", *arguments]
    package = str(Path(harness.__file__).parents[1])
    save_trackers(workspace.home, study, destinations)
    environment = dict(os.environ)
    for destination in destinations:
        environment |= destination.environment()
    if workspace.storage:  # not an argument: there may be a password in it
        environment[VARIABLE] = workspace.storage
    environment["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [environment.get("PYTHONPATH")])])
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for whoever trains
        )
    return Delivery(process, folder / LOG, ", ".join(destination.title for destination in destinations))
