"""A pool of workers, each of which is replaced when it dies or makes no step for too long."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.search.heartbeat import IDLE, SEVERAL, Heartbeat
from harness.search.launchers import AbstractLauncher, AbstractWorker
from harness.search.worker import WorkerConfig, WorkItem

__all__ = ["STARTUP_FACTOR", "WorkerPool", "worker_pool"]

log = logging.getLogger(__name__)

STARTUP_FACTOR = 10  # before its first step a run may need this many timeouts: its data may have to be downloaded
LONGEST_POLL_S = 1.0


@dataclass
class _Worker:
    """A worker with its current item, and the time for which its heartbeat has not changed.

    Attributes:
        submitted: the number of items that were submitted to it.
    """

    handle: AbstractWorker
    item: WorkItem | None = None
    submitted: int = 0
    heartbeat: Heartbeat = IDLE
    silent_s: float = 0.0

    def submit(self, item: WorkItem) -> None:
        """Submit `item`, unless it was submitted before or the worker is not ready yet."""
        if self.item is not item and self.handle.heartbeat().ready > self.submitted:
            self.handle.submit(item)
            self.item, self.submitted = item, self.submitted + 1

    def poll(self, since_s: float) -> None:
        heartbeat = self.handle.heartbeat()
        # Only time in which the launch itself was running counts: one that was suspended has polled nobody meanwhile.
        self.silent_s = self.silent_s + min(since_s, LONGEST_POLL_S) if heartbeat == self.heartbeat else 0.0
        self.heartbeat = heartbeat

    def hangs(self, timeout_s: float) -> bool:
        allowed_s = timeout_s * STARTUP_FACTOR if self.heartbeat.starting else timeout_s
        return self.heartbeat.run != IDLE.run and self.silent_s > allowed_s


class WorkerPool:
    """Workers to which the same work items are submitted.

    Args:
        launcher: starts the workers.
        config: with which each is started.
        timeout_s: a run that makes no step for so long is given up; None for never.

    Attributes:
        exit_reasons: why workers died, by the index within the current item of the run that they trained, or `SEVERAL`.
    """

    def __init__(self, launcher: AbstractLauncher, config: WorkerConfig, timeout_s: float | None) -> None:
        self.exit_reasons: dict[int, list[str]] = {}
        self._launcher = launcher
        self._config = config
        self._timeout_s = timeout_s
        self._item: WorkItem | None = None
        self._workers: list[_Worker] = []
        self._polled = time.monotonic()

    def submit(self, item: WorkItem, size: int) -> None:
        """Submit `item` to all workers, of which there are then at least `size`, as soon as each is ready."""
        self._item, self.exit_reasons = item, {}
        self._workers += [self._started() for _ in range(size - len(self._workers))]
        self._polled = time.monotonic()

    def _started(self) -> _Worker:
        return _Worker(self._launcher.start(self._config))

    def poll(self) -> list[int]:
        """Submit to workers that are ready, and replace those that hang; return the indices of the runs that hung.

        Of runs that were trained together, nobody knows which one hung. They are trained one by one afterwards.
        """
        now = time.monotonic()
        for worker in self._workers:
            if self._item:
                worker.submit(self._item)
            worker.poll(now - self._polled)
        self._polled = now
        if self._timeout_s is None:
            return []
        hung = {index: worker for index, worker in enumerate(self._workers) if worker.hangs(self._timeout_s)}
        for index, worker in hung.items():
            worker.handle.kill()
            worker.handle.join()
            log.warning("worker %d made no step for %g s; another takes its place", index, self._timeout_s)
            self._workers[index] = self._started()
        hung_at = [worker.heartbeat.run for worker in hung.values() if worker.item is self._item]
        return [run for run in hung_at if run != SEVERAL]

    def replace_the_dead(self) -> int:
        """Put another worker in place of each that died; return how many died.

        Raises:
            HarnessError: a worker met an error that any other worker would meet, too.
        """
        deaths = 0
        for index, worker in enumerate(self._workers):
            if error := worker.handle.error():
                raise error
            if reason := worker.handle.exit_reason():
                deaths += 1
                if worker.item is self._item:
                    self.exit_reasons.setdefault(worker.handle.heartbeat().run, []).append(reason)
                log.warning("worker %d was %s; another takes its place", index, reason)
                self._workers[index] = self._started()
        return deaths

    def stop(self) -> None:
        """Ask all workers to store what they train, and wait until they have ended; Ctrl-C meanwhile kills them."""
        try:
            for worker in self._workers:
                worker.handle.ask_to_stop()
            for worker in self._workers:
                worker.handle.join()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self._workers:
            worker.handle.kill()
        for worker in self._workers:
            worker.handle.join()


@contextmanager
def worker_pool(launcher: AbstractLauncher, config: WorkerConfig, timeout_s: float | None) -> Iterator[WorkerPool]:
    """Open a pool for the block, at whose end its workers are asked to stop; a second Ctrl-C kills them."""
    with launcher.opened():
        pool = WorkerPool(launcher, config, timeout_s)
        try:
            yield pool
        except Exception:
            pool.stop()
            raise
        except BaseException:  # Ctrl-C once more
            pool.kill()
            raise
        pool.stop()
