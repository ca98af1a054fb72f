"""What it costs to have many workers and many trials: throughput, and what a trial takes beside its training."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.benchmarks.postgres_server import postgres_server
from harness.core.spec import with_changes
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import MLP
from harness.search.execution import run_record
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.search.proposals import Proposals
from harness.search.run_request import RunRequest, run_requests
from harness.search.samplers import TPE, PastTrial
from harness.search.space import Choice, Float
from harness.search.study import Study
from harness.search.worker_executor import WorkerExecutor
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace
from harness.tracking.delivery.projector import Projector
from harness.tracking.memory import MemoryTracker
from harness.training.config import TrainingConfig
from harness.training.determinism import make_deterministic

__all__ = ["ScaleBenchmark", "small_study"]

WORKERS = (1, 2, 4)
QUICK, WHOLE = (4, 200), (24, 2000)  # trials and steps of what is trained
QUICK_STORED, WHOLE_STORED = (10, 100), (10, 100, 1000, 5000)  # trials that there are already
SAMPLES = 10  # trials over which a cost is averaged
LIMIT_MS = 50.0
# A trial pays some transactions, synced to disk, however many there are; only reading what is stored may grow.
MOST_GROWTH = 3.0


@final
class ScaleBenchmark(AbstractBenchmark):
    """A small network on digits with one, two and four workers; and trials that are stored, not trained."""

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the figures for SQLite and, where its binaries are found, PostgreSQL."""
        make_deterministic()
        sizes, stored = (QUICK, QUICK_STORED) if quick else (WHOLE, WHOLE_STORED)
        with postgres_server() as server:
            kinds = {"SQLite": None} | ({"PostgreSQL": server.url} if server else {})
            return [
                figure
                for name, storage in kinds.items()
                for figure in (*_throughput(name, storage, *sizes), *_costs(name, storage, stored))
            ]


def small_study(name: str, trials: int, steps: int) -> Study:
    """Return a study whose runs take a second or so at 2,000 steps."""
    growth = GrowthRule(
        trigger=AtStep(step=steps // 4),
        operation=AttachHead(name="late", outputs=4, tap="hidden.0"),
        freeze=NoFreezing(),
    )
    return Study(
        name=name,
        title="The study of the benchmark",
        question="What does a trial cost?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(32,)),
            training=TrainingConfig(evaluate_every=100),
            growths=(growth,),
            steps=steps,
            device="cpu",
            precision="fp32",
        ),
        space={
            "lr": Float(field="training.optimizer.lr", low=1e-4, high=1e-2, log=True),
            "init": Choice(field="growths.0.operation.init", options=("xavier_uniform", "orthogonal")),
        },
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=trials,
        seeds=1,
    )


@contextlib.contextmanager
def _workspace(storage: str | None) -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        workspace = Workspace(Path(name), storage).create()
        yield workspace
        workspace.ledger.database.close()


def _throughput(name: str, storage: str | None, trials: int, steps: int) -> list[Figure]:
    """Train the same study with more and more workers; their start is part of it."""
    figures = []
    for workers in WORKERS:
        study = small_study(f"throughput-{workers}", trials, steps)
        with _workspace(storage) as workspace:
            runner = Runner(workspace)
            begun = time.perf_counter()
            with WorkerExecutor(workers, runner) as executor:
                launch(study, runner, Observer(), execute=executor.execute)
            minutes = (time.perf_counter() - begun) / 60
        figures.append(Figure(f"{name}: trials per minute with {workers} workers", trials / minutes))
    return figures


def _costs(name: str, storage: str | None, stored: Sequence[int]) -> list[Figure]:
    """Measure what a trial costs beside its training, with more and more trials before it."""
    figures, totals = [], dict[int, float]()
    study = small_study("costs", max(stored) + SAMPLES, 40)
    with _workspace(storage) as workspace:
        untrained = _UntrainedStudy(study, workspace)
        for count in stored:
            untrained.fill(count)
            launching, costs = untrained.launching(), untrained.costs()
            totals[count] = sum(costs.values())
            figures += [Figure(f"{name}: {what} at {count:,} trials (ms)", cost) for what, cost in costs.items()]
            figures += [Figure(f"{name}: {what} at {count:,} trials (s)", taken) for what, taken in launching.items()]
    most, few = stored[-1], stored[min(1, len(stored) - 1)]
    return [
        *figures,
        *(Figure(f"{name}: all that a trial takes at {count:,} (ms)", cost) for count, cost in totals.items()),
        Figure.below(f"{name}: a trial beside its training at {most:,} (ms)", totals[most], LIMIT_MS),
        Figure.at_most(f"{name}: that, in units of a trial at {few:,}", totals[most] / totals[few], MOST_GROWTH),
    ]


class _UntrainedStudy:
    """A study with many trials that ended without being trained."""

    def __init__(self, study: Study, workspace: Workspace) -> None:
        self._study = study
        self._workspace = workspace
        self._ledger = workspace.ledger
        self._ledger.enter_study(StudyRecord(study.name, StudySpec(study.to_json()), trials=1, seeds=1))
        self._proposals = Proposals(study, workspace)
        self._ended: list[list[RunRecord]] = []

    def fill(self, count: int) -> None:
        """Propose, end and tell trials until there are `count`."""
        while len(self._ended) < count:
            self._add({})

    def costs(self) -> dict[str, float]:
        """Return what parts of a trial take, in milliseconds; some more trials are stored then."""
        taken = dict[str, float]()
        for _ in range(SAMPLES):
            self._add(taken)
            with _added_to(taken, "a look of the pool at what has ended"):
                self._ledger.run_keys(self._study.name)
        return {what: 1000 * seconds / SAMPLES for what, seconds in taken.items()}

    def _add(self, taken: dict[str, float]) -> None:
        number = len(self._ended)
        with _added_to(taken, "proposing"):
            points = self._proposals.params(number + 1)
        runs = run_requests(self._study, number, points[number], arms=self._study.arms, seeds=[0])
        with _added_to(taken, "recording"):
            self._ended.append([self._record(run) for run in runs])
        with _added_to(taken, "telling"):
            self._proposals.tell(number, self._ended[-1])

    def _record(self, run: RunRequest) -> RunRecord:
        record = run_record(run, "completed", metrics={f"val/{self._study.metric}": 1 / (1 + run.trial)})
        self._ledger.save_run(record)
        return record

    def launching(self) -> dict[str, float]:
        """Return what a launch takes that finds everything done, and what a sampler that learns takes, in seconds."""
        taken, count = dict[str, float](), len(self._ended)
        study = with_changes(self._study, {"trials": count})
        with _added_to(taken, "a launch that finds all done"):
            launch(study, Runner(self._workspace), Observer())
        with _added_to(taken, "showing everything again"):
            Projector(self._workspace, study.name, MemoryTracker).finish()
        past = [PastTrial(runs[0].params, 1 / (1 + number)) for number, runs in enumerate(self._ended)]
        with _added_to(taken, "a proposal of TPE"):
            with_changes(study, {"sampler": TPE()}).point(count, past)
        return taken


@contextlib.contextmanager
def _added_to(taken: dict[str, float], what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    taken[what] = taken.get(what, 0.0) + time.perf_counter() - began
