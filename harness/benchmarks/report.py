"""How long the report of a large study takes, and how large its page becomes."""

import tempfile
import time
from pathlib import Path
from typing import Any, final

import numpy as np

from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.core.digest import digest
from harness.core.history import History, Series
from harness.reporting.report import write_report
from harness.staging.histories import METRICS_FILES, stage_folder
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

__all__ = ["ReportBenchmark", "write_home"]

LIMIT_S, LIMIT_MB = 30.0, 10.0
ARMS, SEEDS = ("frozen", "unfrozen"), 2
RUNS, QUICK_RUNS = 1000, 100
POINTS, QUICK_POINTS = 1000, 100
CURVES = ("train/loss/total", "val/accuracy/all", "val/accuracy/known", "val/accuracy/late")
NAME = "large"


@final
class ReportBenchmark(AbstractBenchmark):
    """A made-up study of 1,000 runs with four curves of 1,000 points each; a tenth of both if quick."""

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the time to write the report, and the size of its page and of the whole."""
        runs, points = (QUICK_RUNS, QUICK_POINTS) if quick else (RUNS, POINTS)
        with tempfile.TemporaryDirectory() as folder:
            home, out = Path(folder) / "home", Path(folder) / "report"
            write_home(home, configurations=runs // (len(ARMS) * SEEDS), points=points)
            began = time.perf_counter()
            write_report(Workspace(home), NAME, out)
            taken = time.perf_counter() - began
            page = (out / "report.html").stat().st_size / 1e6
            whole = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
        size = f"{runs:,} runs with {points:,} points a curve"
        return [
            Figure.below(f"{size}: report (s)", taken, LIMIT_S),
            Figure.below(f"{size}: report.html (MB)", page, LIMIT_MB),
            Figure(f"{size}: the whole folder (MB)", whole),
        ]


def write_home(home: Path, *, configurations: int, points: int) -> None:
    """Write the ledger and the histories of a finished study of made-up numbers."""
    ledger = Ledger(home)
    ledger.create()
    ledger.save_study(StudyRecord(NAME, StudySpec(_spec(configurations, points)), configurations, SEEDS))
    for trial in range(configurations):
        for arm in ARMS:
            for seed in range(SEEDS):
                ledger.save_run(_run(home / "store", trial, arm, seed, points))


def _spec(configurations: int, points: int) -> dict[str, Any]:
    when = {"kind": "int", "field": "when", "low": 1, "high": points, "step": 1}
    rate = {"kind": "float", "field": "rate", "low": 0.001, "high": 1.0, "log": True}
    return {
        "name": NAME,
        "title": "A large study",
        "question": "How long does its report take?",
        "base": {"steps": points, "precision": "fp32"},
        "space": {"when": when, "rate": rate},
        "arms": {arm: {} for arm in ARMS},
        "comparison": list(reversed(ARMS)),
        "metric": "accuracy/all",
        "smallest_effect": 0.005,
        "trials": configurations,
        "seeds": SEEDS,
    }


def _run(store: Path, trial: int, arm: str, seed: int, points: int) -> RunRecord:
    stream = np.random.default_rng([trial, ARMS.index(arm), seed])
    growth = points // 4 + trial % (points // 2)
    config = {"trial": trial, "arm": arm, "seed": seed}
    stages = tuple(StageAddress(digest([*config.values(), stage]), step) for stage, step in enumerate((growth, points)))
    for address, steps in zip(stages, (range(1, growth + 1), range(growth, points + 1)), strict=True):
        _store(store, address, list(steps), stream)
    accuracy = 0.8 + 0.05 * float(stream.normal()) + 0.02 * ARMS.index(arm)
    metrics = {f"test/accuracy/{part}": accuracy for part in ("all", "known", "late")}
    metrics |= {"test/forgetting": 0.1, "cost/seconds": 10.0, "cost/steps": float(points)}
    growths = ({"step": growth, "parameters_added": 100},)
    params = {"when": growth, "rate": float(10 ** stream.uniform(-3, 0))}
    return RunRecord(
        *(NAME, trial, arm, seed, digest(config)[:16], params, config, "completed"),
        stages=stages,
        growths=growths,
        metrics=metrics,
    )


def _store(store: Path, address: StageAddress, steps: list[int], stream: np.random.Generator) -> None:
    history = History()
    for name in CURVES:
        values = np.exp(-np.array(steps) / 200) + 0.01 * stream.normal(size=len(steps))
        history.extend(name, Series(steps, values.tolist()))
    folder = stage_folder(store, address)
    folder.mkdir(parents=True)
    for name, part in zip(METRICS_FILES, (history, History()), strict=True):
        (folder / name).write_bytes(part.to_bytes())
