"""Workers that are processes on this machine."""

import multiprocessing
import os
import signal
from collections.abc import MutableSequence
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import final

from harness.core.errors import HarnessError, InterruptedRunError
from harness.search.errand import IDLE, Errand, Pulse, do_errand
from harness.search.launchers._base import AbstractLauncher, AbstractWorker

__all__ = ["Processes"]

# Each worker has a pipe and a memory of its own: one that is killed can leave nothing locked that others need.
SPAWN = multiprocessing.get_context("spawn")
AS_SYSTEM = "killed by SIGKILL, as the system does when memory runs out"


@final
class Processes(AbstractLauncher):
    """Starts processes on this machine, which end when the one that started them is gone."""

    def opened(self) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        return nullcontext()

    def start(self, errand: Errand) -> AbstractWorker:
        """Start a process."""
        return _Process(errand)


@final
class _Process(AbstractWorker):
    def __init__(self, errand: Errand) -> None:
        self._cells = SPAWN.RawArray("q", IDLE)
        self._hearing, telling = SPAWN.Pipe(duplex=False)
        self._process: BaseProcess = SPAWN.Process(
            target=_work, args=(errand, self._cells, telling, os.getpid()), daemon=True
        )
        self._process.start()
        telling.close()

    def pulse(self) -> Pulse:
        return Pulse(*self._cells)

    def death(self) -> str:
        code = self._process.exitcode
        if not code:
            return ""
        return AS_SYSTEM if code == -signal.SIGKILL else _exit(code)

    def complaint(self) -> HarnessError | None:
        try:
            kind, message = self._hearing.recv() if self._hearing.poll() else (None, "")
        except EOFError:  # it ended without one
            return None
        return kind(message) if kind else None

    def ask_to_stop(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def join(self) -> None:
        self._process.join()


def _exit(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _work(errand: Errand, cells: MutableSequence[int], telling: "Connection[object, object]", parent: int) -> None:
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.append(True))

    def stop() -> bool:
        return bool(asked) or os.getppid() != parent

    try:
        do_errand(errand, cells, stop)
    except InterruptedRunError:
        pass
    except HarnessError as error:
        telling.send((type(error), str(error)))
