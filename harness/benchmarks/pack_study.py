"""Processor time of a run of a study of many small ones that are trained in packs."""

import tempfile
from pathlib import Path

import numpy as np

from harness.benchmarks._base import Figure, Stopwatch
from harness.benchmarks.bits import Values, differing_bits
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import MLP
from harness.search.launch import launch
from harness.search.local_executor import LocalExecutor
from harness.search.observer import Observer
from harness.search.space import Choice, Float
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW
from harness.training.packing import Packs

__all__ = ["small_runs", "study_figures"]

SIZES, QUICK_SIZES = (100, 200, 400), (10, 30)  # runs
ALONE = 10  # runs that are trained one by one as well
SECONDS = "cost/seconds"  # differs from launch to launch, whatever else is equal
OF_ALONE, OF_ALONE_QUICK, MOST_GROWTH = 0.25, 0.9, 1.15


def small_runs(runs: int) -> Study:
    """Return a study of that many runs of 200 steps; both arms of a configuration share the first half."""
    growth = GrowthRule(
        trigger=AtStep(step=100),
        operation=AttachHead(name="late", outputs=4, tap="hidden.1"),
        freeze=NoFreezing(),
    )
    return Study(
        name="small-runs",
        title="Many small runs",
        question="What does a run cost among many?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(64, 64)),
            training=TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=25),
            growths=(growth,),
            steps=200,
            device="cpu",
            precision="fp32",
        ),
        space={
            "lr": Float(field="training.optimizer.lr", low=1e-3, high=1e-2, log=True),
            "init": Choice(field="growths.0.operation.init", options=("xavier_uniform", "orthogonal")),
        },
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=runs // 2,
        seeds=1,
    )


def study_figures(*, quick: bool) -> tuple[list[Figure], int]:
    """Launch studies of several sizes; return the figures, and how many bits of the runs' metrics differ."""
    sizes, most = (QUICK_SIZES, OF_ALONE_QUICK) if quick else (SIZES, OF_ALONE)
    _launched(small_runs(ALONE), Packs())  # caches are cold and kernels are chosen
    expected, alone = _launched(small_runs(ALONE), None)
    launches = {size: _launched(small_runs(size), Packs()) for size in sizes}
    costs = {size: seconds / size for size, (_, seconds) in launches.items()}
    few, many = min(sizes), max(sizes)
    shared = [{name: metrics[name] for name in expected.keys() & metrics} for metrics, _ in launches.values()]
    return [
        Figure(f"a run of {ALONE} one by one: processor time (s)", alone / ALONE),
        *(Figure(f"a run of {size} in packs: processor time (s)", cost) for size, cost in costs.items()),
        Figure.at_most(f"a run of {many} in packs / one by one", costs[many] / (alone / ALONE), most),
        Figure.at_most(f"a run of {many} in packs / one of {few}", costs[many] / costs[few], MOST_GROWTH),
    ], sum(differing_bits(expected, packed) for packed in shared)


def _launched(study: Study, packs: Packs | None) -> tuple[Values, float]:
    """Launch a study in a new home; return its runs' metrics by trial, arm, seed and name, and processor seconds."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        runner = Runner(Workspace(Path(name)).create())
        runner.data(study.base)
        execute = LocalExecutor(runner, Observer(), packs=packs).execute
        watch.time(lambda: launch(study, runner, Observer(), execute=execute))
        runs = runner.store.ledger.runs(study.name)
        runner.workspace.ledger.database.close()
    metrics = {
        f"{run.key}/{name}": np.array(value) for run in runs for name, value in run.metrics.items() if name != SECONDS
    }
    return metrics, watch()
