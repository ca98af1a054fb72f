"""Workers that are processes on this machine."""

import multiprocessing
import os
import signal
from collections.abc import MutableSequence
from contextlib import AbstractContextManager, nullcontext, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import final

from harness.core.errors import HarnessError, InterruptedRunError
from harness.search.errand import IDLE, LOOK_AGAIN_S, Errand, Pulse, Workplace, do_errands
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

    def start(self, place: Workplace) -> AbstractWorker:
        """Start a process."""
        return _Process(place)


@final
class _Process(AbstractWorker):
    def __init__(self, place: Workplace) -> None:
        self._cells = SPAWN.RawArray("q", IDLE)
        self._pipe, theirs = SPAWN.Pipe()
        self._asked = False
        self._complaint: HarnessError | None = None
        self._process: BaseProcess = SPAWN.Process(
            target=_work, args=(place, self._cells, theirs, os.getpid()), daemon=True
        )
        self._process.start()
        theirs.close()

    def take(self, errand: Errand) -> None:
        with suppress(OSError):  # it died meanwhile, which is seen elsewhere
            self._pipe.send(errand)

    def pulse(self) -> Pulse:
        return Pulse(*self._cells)

    def death(self) -> str:
        code = self._process.exitcode
        if code is None or (code == 0 and (self._asked or self.complaint())):
            return ""
        return AS_SYSTEM if code == -signal.SIGKILL else _exit(code)

    def complaint(self) -> HarnessError | None:
        with suppress(EOFError, OSError):  # it ended without one
            if self._pipe.poll():
                kind, message = self._pipe.recv()
                self._complaint = kind(message)
        return self._complaint

    def ask_to_stop(self) -> None:
        self._asked = True
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def join(self) -> None:
        self._process.join()


def _exit(code: int) -> str:
    if code == 0:
        return "asked to stop by another process"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _work(place: Workplace, cells: MutableSequence[int], pipe: "Connection[object, Errand]", parent: int) -> None:
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.append(True))

    def stop() -> bool:
        return bool(asked) or os.getppid() != parent

    def arrived() -> Errand | None:
        return pipe.recv() if pipe.poll(LOOK_AGAIN_S) else None

    try:
        do_errands(place, arrived, cells, stop)
    except (InterruptedRunError, EOFError):  # the latter: the launch is gone
        pass
    except HarnessError as error:
        pipe.send((type(error), str(error)))
