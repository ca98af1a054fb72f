"""What a launch starts anew, its workers and the process that delivers, is forked here: it has imported everything.

To start Python and to import torch and MLflow takes seconds of processor time for each process, and a launch that is
killed has several. Each is called by what it does, as `ps` shows it.
"""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from harness.search.launchers import processes
from harness.search.worker import WorkerConfig
from harness.tracking.delivery import process as delivery_process
from harness.tracking.delivery.follow import follow

__all__ = ["DELIVERY", "LAUNCH", "WORKER", "be_called", "fork_everything"]

LAUNCH, WORKER, DELIVERY = "launch", "pool worker", "delivery"
ARGUMENTS_AFTER = "harness.tracking.delivery.follow"


def be_called(name: str) -> None:
    """Give this process a name."""
    Path("/proc/self/comm").write_text(name)


def fork_everything() -> None:
    """Let launches in this process, and in forks of it, fork what they start."""
    work: Callable[..., None] = processes._work

    def named_work(config: WorkerConfig, *others: Any) -> None:
        be_called(WORKER)
        work(pickle.loads(pickle.dumps(config)), *others)  # so that it opens everything for itself

    vars(processes).update(SPAWN=multiprocessing.get_context("fork"), _work=named_work)
    started = SimpleNamespace(Popen=_Forked, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
    vars(delivery_process)["subprocess"] = started


class _Forked:
    """A process that delivers, with pipes for its input and output, as `subprocess.Popen` makes it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], stderr: IO[bytes], **_: object) -> None:
        their_input, self._input = os.pipe()
        self._output, their_output = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._input)
            self._deliver(command, env, [their_input, their_output, stderr.fileno()])
        os.close(their_input)
        os.close(their_output)

    @staticmethod
    def _deliver(command: Sequence[str], env: Mapping[str, str], streams: Sequence[int]) -> None:
        try:
            os.setsid()
            be_called(DELIVERY)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for wanted, stream in enumerate(streams):
                os.dup2(stream, wanted)
            os.environ.update(env)
            sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
            follow(command[command.index(ARGUMENTS_AFTER) + 1 :])
            sys.stdout.flush()
        except BaseException:  # noqa: BLE001  # the log is told
            traceback.print_exc()
        os._exit(0)

    def communicate(self, timeout: float | None = None) -> tuple[bytes, None]:
        """Close its input, wait until it ends, and return what it said."""
        if self._input >= 0:
            os.close(self._input)
            self._input = -1
        began = time.monotonic()
        while not os.waitpid(self._pid, os.WNOHANG)[0]:
            if timeout is not None and time.monotonic() - began > timeout:
                raise subprocess.TimeoutExpired("delivery", timeout)
            time.sleep(0.02)
        with os.fdopen(self._output, "rb") as output:
            return output.read(), None

    def kill(self) -> None:
        """End it at once."""
        os.kill(self._pid, signal.SIGKILL)
