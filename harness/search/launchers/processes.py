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
from harness.search.heartbeat import IDLE, POLL_S, Heartbeat
from harness.search.launchers._base import AbstractLauncher, AbstractWorker
from harness.search.worker import WorkerConfig, WorkItem, run_worker

__all__ = ["Processes"]

# Each worker has a pipe and a memory of its own: one that is killed can leave nothing locked that others need.
SPAWN = multiprocessing.get_context("spawn")
KILLED_BY_SYSTEM = "killed by SIGKILL, as the system does when memory runs out"


@final
class Processes(AbstractLauncher):
    """Starts processes on this machine, which end when the one that started them is gone."""

    def opened(self) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        return nullcontext()

    def start(self, config: WorkerConfig) -> AbstractWorker:
        """Start a process."""
        return _Process(config)


@final
class _Process(AbstractWorker):
    def __init__(self, config: WorkerConfig) -> None:
        self._heartbeat_values = SPAWN.RawArray("q", IDLE)
        self._pipe, workers_end = SPAWN.Pipe()
        self._asked_to_stop = False
        self._error: HarnessError | None = None
        self._process: BaseProcess = SPAWN.Process(
            target=_work, args=(config, self._heartbeat_values, workers_end, os.getpid()), daemon=True
        )
        self._process.start()
        workers_end.close()

    def submit(self, item: WorkItem) -> None:
        with suppress(OSError):  # it has died, which `exit_reason` says
            self._pipe.send(item)

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(*self._heartbeat_values)

    def exit_reason(self) -> str:
        code = self._process.exitcode
        if code is None or (code == 0 and (self._asked_to_stop or self.error())):
            return ""
        return KILLED_BY_SYSTEM if code == -signal.SIGKILL else _exit_reason(code)

    def error(self) -> HarnessError | None:
        with suppress(EOFError, OSError):  # it ended without one
            if self._pipe.poll():
                kind, message = self._pipe.recv()
                self._error = kind(message)
        return self._error

    def ask_to_stop(self) -> None:
        self._asked_to_stop = True
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def join(self) -> None:
        self._process.join()


def _exit_reason(code: int) -> str:
    if code == 0:
        return "asked to stop by another process"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _work(
    config: WorkerConfig,
    heartbeat_values: MutableSequence[int],
    pipe: "Connection[object, WorkItem]",
    parent: int,
) -> None:
    asked_to_stop = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.append(True))

    def stop() -> bool:
        return bool(asked_to_stop) or os.getppid() != parent

    def receive() -> WorkItem | None:
        return pipe.recv() if pipe.poll(POLL_S) else None

    try:
        run_worker(config, receive, heartbeat_values, stop)
    except (InterruptedRunError, EOFError):  # the latter: the launch is gone
        pass
    except HarnessError as error:
        pipe.send((type(error), str(error)))
