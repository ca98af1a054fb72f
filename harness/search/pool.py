"""Several processes on this machine that do the runs of one study."""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError, InterruptedRunError
from harness.search.load import load_study
from harness.search.observer import Observer
from harness.search.planned import PlannedRun
from harness.search.work import Ended, Work, found_of
from harness.staging.chain import MOST_DEATHS
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.plan import Plan
from harness.staging.runner import Runner
from harness.staging.store import Store
from harness.tracking.commit import commit_of
from harness.tracking.live import NOBODY, LiveFeed
from harness.training.determinism import make_deterministic
from harness.training.features import FeatureCache

__all__ = ["Pool"]

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 0.2
Complaints = SimpleQueue[tuple[type[HarnessError], str]]


@dataclass(frozen=True)
class _Errand:
    """What a worker process is sent for.

    Attributes:
        runs: as JSON, since their classes may be those of the study's file, which is loaded first.
        forks: steps, by stage key, at which snapshots are made in passing.
    """

    runs: list[dict[str, Any]]
    forks: Mapping[str, frozenset[int]]
    file: Path | None
    home: Path
    storage: str | None
    store: Path
    data_folder: Path | None
    alone: bool
    features: bool
    live: bool


class Pool:
    """Worker processes; the stage store's leases see to it that they do different things.

    Args:
        size: how many there are.
        runner: one like it is made in each of them.
        file: from which the study was loaded.
        home: where the ledger is, unless in the database that the URL `storage` names.
        live: whether what runs measure is written down, for who shows it, while they train.
    """

    def __init__(
        self,
        size: int,
        runner: Runner,
        file: Path | None,
        home: Path,
        storage: str | None = None,
        *,
        live: bool = False,
    ) -> None:
        self._size = size
        self._runner = runner
        self._file = file
        self._home = home
        self._storage = storage
        self._live = live
        self._context = multiprocessing.get_context("spawn")
        self._complaints: Complaints = self._context.SimpleQueue()

    def do(self, runs: Sequence[PlannedRun], plan: Plan, settle: Callable[[Ended], None]) -> None:
        """Let the workers do the runs; `settle` is called with each as it ends.

        Raises:
            InterruptedRunError: asked to stop, the workers have stored what they trained and ended.
            HarnessError: a worker could not go on; the others have stopped, too.
        """
        errand = _Errand(
            runs=[run.to_json() for run in runs],
            forks=plan.forks,
            file=self._file,
            home=self._home,
            storage=self._storage,
            store=self._runner.store.root,
            data_folder=self._runner.data_folder,
            alone=self._runner.alone,
            features=self._runner.features is not None,
            live=self._live,
        )
        ledger = self._runner.store.ledger
        missing, deaths = {run.key for run in runs}, 0
        with self._workers(errand) as workers:
            while missing and not self._runner.stop():
                time.sleep(LOOK_AGAIN_S)
                ended = _found(ledger, [run for run in runs if run.key in missing])
                for record in ended:
                    missing.discard(record.key)
                    settle(Ended(record))
                deaths = 0 if ended else deaths
                deaths += self._replace_the_dead(workers, errand) if missing else 0
                # Runs that kill their workers are given up one by one; more than these die of something else.
                if deaths > MOST_DEATHS * len(workers):
                    raise HarnessError(f"{deaths} workers died one after the other; see the messages above")
        if missing:
            raise InterruptedRunError("all workers have stopped; everything is stored")

    @contextmanager
    def _workers(self, errand: _Errand) -> Iterator[list[BaseProcess]]:
        workers = [self._start(errand) for _ in range(min(self._size, len(errand.runs)))]
        try:
            yield workers
            _end(workers, BaseProcess.terminate)  # which they take as being asked to stop
        except Exception:
            _end(workers, BaseProcess.terminate)
            raise
        except BaseException:  # Ctrl-C once more
            _end(workers, BaseProcess.kill)
            raise

    def _start(self, errand: _Errand) -> BaseProcess:
        worker = self._context.Process(target=_work, args=(errand, self._complaints, os.getpid()), daemon=True)
        worker.start()
        return worker

    def _replace_the_dead(self, workers: list[BaseProcess], errand: _Errand) -> int:
        """Start a worker for each that died; return how many did.

        Raises:
            HarnessError: one says why no other would do better.
        """
        if not self._complaints.empty():
            kind, message = self._complaints.get()
            raise kind(message)
        dead = [index for index, worker in enumerate(workers) if worker.exitcode]
        for index in dead:
            log.warning("worker %d ended with exit code %s; another takes its place", index, workers[index].exitcode)
            workers[index] = self._start(errand)
        return len(dead)


def _found(ledger: Ledger, runs: Sequence[PlannedRun]) -> list[RunRecord]:
    """Return those of `runs` that have ended, or wait where they were to."""
    there = ledger.run_keys(runs[0].study)
    found = [found_of(ledger, run) for run in runs if run.key in there or run.until]
    return [record for record in found if record]


def _end(workers: Sequence[BaseProcess], how: Callable[[BaseProcess], None]) -> None:
    for worker in workers:
        how(worker)
    for worker in workers:
        worker.join()


def _work(
    errand: _Errand, complaints: "multiprocessing.SimpleQueue[tuple[type[HarnessError], str]]", parent: int
) -> None:
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.append(True))

    def stop() -> bool:
        return bool(asked) or os.getppid() != parent

    try:
        _do(errand, stop)
    except InterruptedRunError:
        pass
    except HarnessError as error:
        complaints.put((type(error), str(error)))


def _do(errand: _Errand, stop: Callable[[], bool]) -> None:
    make_deterministic()
    if errand.file:
        load_study(errand.file)  # for the classes that it defines
    runs = [PlannedRun.from_json(run) for run in errand.runs]
    store = Store(errand.store, Ledger(errand.home, errand.storage))
    features = FeatureCache(folder=errand.store / "features") if errand.features else None
    runner = Runner(store, errand.data_folder, alone=errand.alone, stop=stop, features=features)
    feed = LiveFeed(errand.home) if errand.live else NOBODY
    commit = commit_of(str(errand.file or ""))
    Work(runner, errand.forks, Observer(), stop, feed, commit).do(runs, lambda _: None)
