"""A worker: it executes the work items that a launch submits to it, until it is asked to stop."""

import functools
import importlib
from collections.abc import Callable, Mapping, MutableSequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import InputError
from harness.core.instruction_sets import is_pinned
from harness.search.commit import commit_of
from harness.search.heartbeat import HeartbeatWriter
from harness.search.load import load_study
from harness.search.local_executor import LocalExecutor
from harness.search.retry import retry_on_disconnect
from harness.search.run_request import RunRequest
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.tracking.live.feed import NO_FEED, LiveFeed
from harness.training.determinism import make_deterministic

__all__ = ["WorkItem", "WorkerConfig", "run_worker"]


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker is started with.

    Attributes:
        workspace: which it opens for itself.
        file: from which the study was loaded.
        modules: imported for the classes that they define.
        alone: whether runs share no stages.
        cache_features: whether the features of frozen layers are computed once.
        packing: whether runs are trained together.
        live: whether a run's measurements are written to its live file while it trains.
        pinned: whether instruction sets are pinned, as in the process that launches.
    """

    workspace: Workspace
    file: Path | None = None
    modules: tuple[str, ...] = ()
    alone: bool = False
    cache_features: bool = False
    packing: bool = True
    live: bool = False
    pinned: bool = field(default_factory=is_pinned)


@dataclass(frozen=True)
class WorkItem:
    """A batch of runs, submitted to every worker of a pool; leases decide which of them trains what.

    Attributes:
        runs: as JSON, since they may use classes of the study's file, which a worker loads first.
        forks: steps, by stage key, at which snapshots are made in passing.
        workers: to which it is submitted.
    """

    runs: list[dict[str, Any]]
    forks: Mapping[str, frozenset[int]]
    workers: int = 1


def run_worker(
    config: WorkerConfig,
    receive: Callable[[], WorkItem | None],
    heartbeat_values: MutableSequence[int],
    stop: Callable[[], bool],
) -> None:
    """Execute one work item after the other until `stop` returns true.

    Args:
        config: of this worker.
        receive: waits a moment for a work item, and returns None if none came.
        heartbeat_values: the four integers of its heartbeat.
        stop: whether to stop; asked between items and after every step.

    Raises:
        InterruptedRunError: it was asked to stop in the middle of an item.
        InputError: instruction sets are pinned in the process that launches and not here, or the other way round.
    """
    if config.pinned != is_pinned():
        here, there = ("pinned", "not") if is_pinned() else ("not pinned", "pinned")
        raise InputError(
            f"expected instruction sets pinned for all workers or for none, found them {here} here and {there} where "
            "the study was launched; give all the same option, --portable or --no-portable"
        )
    make_deterministic()
    if config.file:
        load_study(config.file)  # for the classes that it defines
    for name in config.modules:
        importlib.import_module(name)
    heartbeat = HeartbeatWriter(heartbeat_values)

    def beat_and_stop() -> bool:
        heartbeat.beat()
        return stop()

    config.workspace.ledger.database.expect()
    runner = Runner(
        config.workspace,
        alone=config.alone,
        stop=beat_and_stop,
        cache_features=config.cache_features,
        packing=config.packing,
    )
    feed = LiveFeed(config.workspace.home) if config.live else NO_FEED
    executor = LocalExecutor(runner, heartbeat, stop=beat_and_stop, feed=feed, commit=commit_of(str(config.file or "")))
    heartbeat.ready()
    while not stop():
        if item := receive():
            runs = [RunRequest.from_json(run) for run in item.runs]
            heartbeat.item_begins(runs)
            retry_on_disconnect(
                functools.partial(executor.execute_with, item.forks, runs, lambda _: None, workers=item.workers)
            )
            heartbeat.ready()
