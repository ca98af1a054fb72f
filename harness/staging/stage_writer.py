"""Writing stages beside training: a thread commits them in order while the next one is being trained.

What a run needs to know is whether all of its stages are committed; it waits for that where it ends. Until then a stage
that was handed over may be lost with the process, and is trained again like one that was never finished.
"""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from harness.staging.leases import Lease
from harness.staging.store import Stage, Store

__all__ = ["PendingCommits", "StageWriter"]

ENOUGH_BYTES = 256 * 2**20  # of snapshots that wait; a larger one waits alone


class StageWriter:
    """The thread of one process that commits stages to `store`.

    Attributes:
        cost_s: what the last stage that was committed may have taken from training: the seconds in which training
            stood still for it, and the processor seconds of the thread.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.cost_s = 0.0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stage writer")
        self._waiting: deque[tuple[Future[None], int]] = deque()

    def commit(self, make_stage: Callable[[], Stage], lease: Lease) -> Future[None]:
        """Have the thread commit what `make_stage` returns, in its turn.

        That is called at once, or as soon as fewer bytes wait.
        """
        began = time.perf_counter()
        self._wait_for_room()
        stage = make_stage()
        stood_still_s = time.perf_counter() - began

        def commit() -> None:
            began = time.thread_time()
            self.store.commit(stage, lease)
            self.cost_s = stood_still_s + time.thread_time() - began

        future = self._thread.submit(commit)
        self._waiting.append((future, len(stage.snapshot)))
        return future

    def afterwards(self, action: Callable[[], None]) -> Future[None]:
        """Have the thread call `action` after the commits so far, whatever came of them."""
        return self._thread.submit(action)

    def _wait_for_room(self) -> None:
        while self._waiting:
            oldest, _ = self._waiting[0]
            if not oldest.done():
                if sum(size for _, size in self._waiting) < ENOUGH_BYTES:
                    return
                oldest.exception()  # waits; whoever handed it over is told of it
            self._waiting.popleft()


class PendingCommits:
    """The stages of one run that are being written; as a context, nothing of it goes on after the block."""

    def __init__(self, writer: StageWriter) -> None:
        self._writer = writer
        self._futures: deque[Future[None]] = deque()

    def __enter__(self) -> "PendingCommits":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for future in self._futures:
            future.exception()

    def add(self, make_stage: Callable[[], Stage], lease: Lease) -> None:
        """Commit a stage, as `StageWriter.commit` does.

        Raises:
            LeaseLostError: the lease of an earlier stage belonged to another process.
            StoreError: an earlier stage could not be written.
        """
        while self._futures and self._futures[0].done():
            self._futures.popleft().result()
        self._futures.append(self._writer.commit(make_stage, lease))

    def afterwards(self, action: Callable[[], None]) -> None:
        """Call `action` once the stages that were added so far are committed, or could not be."""
        self._futures.append(self._writer.afterwards(action))

    def wait(self) -> None:
        """Return once everything is committed.

        Raises:
            LeaseLostError: as in `add`, as is StoreError.
        """
        while self._futures:
            self._futures.popleft().result()
