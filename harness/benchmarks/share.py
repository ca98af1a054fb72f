"""What sharing saves in a study: wall time, steps, the frozen arm after the growth, and what storing costs."""

import contextlib
import functools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import final

from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.core.spec import with_changes
from harness.data import Digits, FashionMNIST
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import MLP, ConvNet
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.search.worker_executor import WorkerExecutor
from harness.staging.catalog import StageEntry
from harness.staging.leases import Lease
from harness.staging.plan import make_plan
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.store import Stage, Store
from harness.staging.workspace import Workspace
from harness.training.config import TrainingConfig
from harness.training.determinism import make_deterministic
from harness.training.optimizers import AdamW

__all__ = ["ShareBenchmark", "reference_study"]

STEPS, QUICK_STEPS = 300, 200


def reference_study(*, quick: bool) -> Study:
    """Return the study that is timed: a growth between 10 % and 90 % of the steps, in any place and width."""
    steps = QUICK_STEPS if quick else STEPS
    tenth = steps // 10
    growth = GrowthRule(
        trigger=AtStep(step=tenth),
        operation=AttachHead(name="late", outputs=4, tap="hidden"),
        freeze=NoFreezing(),
    )
    return Study(
        name="reference",
        title="The reference study of the benchmark",
        question="What does sharing save?",
        base=RunConfig(
            task=FashionMNIST(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=ConvNet(image=(1, 28, 28), channels=(32, 64), hidden=128, dropout=0.25),
            training=TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=50),
            growths=(growth,),
            steps=steps,
            device="cpu",
            precision="fp32",
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=tenth, high=9 * tenth, step=tenth),
            "where": Choice(field="growths.0.operation.tap", options=("blocks.1", "hidden")),
            "width": Choice(field="growths.0.operation.width", options=(0, 32, 128)),
            "init": Choice(field="growths.0.operation.init", options=("xavier_uniform", "orthogonal")),
            "loss weight": Float(field="growths.0.loss_weight", low=0.25, high=4.0, log=True),
        },
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=3 if quick else 6,
        seeds=1 if quick else 2,
    )


class _TimedStore(Store):
    """Notes how long storing takes."""

    seconds = 0.0

    def commit(self, stage: Stage, lease: Lease | None = None) -> StageEntry:
        """Store, and look at the clock."""
        began = time.perf_counter()
        try:
            return super().commit(stage, lease)
        finally:
            self.seconds += time.perf_counter() - began


class _TimedWorkspace(Workspace):
    """Has a store that notes how long storing takes."""

    @cached_property
    def store(self) -> _TimedStore:
        """The store."""
        return _TimedStore(self.stages, self.ledger)


@final
class ShareBenchmark(AbstractBenchmark):
    """The reference study, shared and run by run; its frozen arm; two workers; and the cost of planning."""

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the figures; data are looked for in HARNESS_DATA_DIR first."""
        make_deterministic()
        study = reference_study(quick=quick)
        return [*_sharing(study), *_frozen(study, quick=quick), *_planning(quick=quick)]


def _data_folder() -> Path | None:
    name = os.environ.get("HARNESS_DATA_DIR")
    return Path(name) if name else None


@contextlib.contextmanager
def _runner(*, share: bool, cache: bool = True) -> Iterator[Runner]:
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        workspace = _TimedWorkspace(Path(name), data_folder=_data_folder())
        workspace.create()
        yield Runner(workspace, alone=not share, cache_features=share and cache)


def _run(study: Study, runner: Runner, workers: int = 1) -> float:
    """Return the seconds that the study takes once the data are in memory."""
    runner.data(study.base)
    began = time.perf_counter()
    with WorkerExecutor(workers, runner) as executor:
        launch(study, runner, Observer(), execute=executor.execute if workers > 1 else None)
    return time.perf_counter() - began


def _sharing(study: Study) -> list[Figure]:
    with _runner(share=True) as runner:
        shared = _run(study, runner)
        assert isinstance(runner.store, _TimedStore)
        storing, trained = runner.store.seconds, runner.steps_trained
        plan = make_plan([RunConfig.model_validate(run.config) for run in runner.store.ledger.runs(study.name)])
    with _runner(share=True) as runner:
        by_two = _run(study, runner, workers=2)
    with _runner(share=False) as runner:
        alone = _run(study, runner)
    steps = plan.steps / plan.distinct_steps
    return [
        Figure.at_least("the study alone, in units of the study shared (wall time)", alone / shared, round(steps, 2)),
        Figure("steps of all runs, in units of distinct steps", steps),
        Figure.at_most("steps trained, in units of distinct steps", trained / plan.distinct_steps, 1.02),
        Figure.at_most("snapshot and commit (% of wall time)", 100 * storing / shared, 3),
        Figure.at_least("two workers against one, one thread each (speed, their start included)", shared / by_two, 1.8),
        Figure("the study shared (s)", shared),
    ]


def _frozen(study: Study, *, quick: bool) -> list[Figure]:
    """Time the frozen arm after an early growth, long enough for the data to be seen several times."""
    steps = 400 if quick else 4000
    frozen = with_changes(study.base, {**study.arms["frozen"], "growths.0.trigger.step": 100, "steps": steps})
    narrow = with_changes(frozen, {"model.channels": (16, 32), "model.hidden": 64})
    name = "the frozen arm after the growth, without cached features over with"
    return [
        Figure.at_least(name, _gain_of_caching(frozen), 5),
        Figure(f"{name}, half the channels", _gain_of_caching(narrow)),
    ]


def _gain_of_caching(config: RunConfig) -> float:
    trunk, seconds = with_changes(config, {"steps": 101}), []
    for cache in (False, True):
        with _runner(share=True, cache=cache) as runner:
            runner.run(trunk)
            seconds.append(_timed(functools.partial(runner.run, config)))
    return seconds[0] / seconds[1]


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _planning(*, quick: bool) -> list[Figure]:
    """Plan and restore more and more runs of a few steps each."""
    costs = {count: _cost_of_runs(count) for count in ((10, 100) if quick else (10, 100, 1000))}
    few, many = min(costs), max(costs)
    return [
        *(Figure(f"planning and restoring {count:,} runs (ms a run)", cost) for count, cost in costs.items()),
        Figure.below(f"planning and restoring a run among {many:,} (ms)", costs[many], 20),
        Figure.below(f"a run among {many:,}, in units of one among {few}", costs[many] / costs[few], 2),
    ]


def _cost_of_runs(count: int) -> float:
    growth = GrowthRule(
        trigger=AtStep(step=2), operation=AttachHead(name="late", outputs=4, tap="hidden.0"), freeze=NoFreezing()
    )
    base = RunConfig(
        task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
        model=MLP(inputs=64, widths=(8,)),
        growths=(growth,),
        steps=4,
        device="cpu",
        precision="fp32",
    )
    configs = [with_changes(base, {"growths.0.loss_weight": 1 + number / count}) for number in range(count)]
    with _runner(share=True) as runner:
        for config in configs:
            runner.run(config)
        began = time.perf_counter()
        forks = make_plan(configs, runner.store).forks
        for config in configs:
            runner.run(config, forks=forks)
        return 1000 * (time.perf_counter() - began) / count
