"""What it costs to ask the command line, and to write a report; how large the page of a large study becomes."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.benchmarks.processor_time import command_cpu_s
from harness.core.digest import digest
from harness.core.history import History, Series
from harness.reporting.report import write_report
from harness.staging.histories import METRICS_FILES, stage_folder
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

__all__ = ["ReportBenchmark", "write_home"]

HELP_LIMIT_S, LIST_LIMIT_S, REPORT_LIMIT_S = 0.2, 0.3, 10.0
LIMIT_S, LIMIT_MB = 30.0, 10.0
NAME = "large"
ARMS, SEEDS = ("frozen", "unfrozen"), 2
CURVES = ("train/loss/total", "val/accuracy/all", "val/accuracy/known", "val/accuracy/late")
# A study as people run it: as many runs, curves and points as that of the digits.
USUAL = {"configurations": 12, "seeds": 3, "points": 50}
PARTS = ("known", "late")
USUAL_CURVES = (
    *CURVES,
    *("train/grad_norm", "val/loss/total", "val/accuracy_within/known", "val/accuracy_within/late"),
    *(f"{split}/{loss}/{part}" for split in ("train", "val") for loss in ("loss", "loss_weighted") for part in PARTS),
    *(f"val/accuracy_by_arrival/{arrival}" for arrival in ("0", "1", "mean")),
)
LARGE = {"configurations": 250, "seeds": SEEDS, "points": 1000}
LISTED, ROUNDS = 100, 5


@final
class ReportBenchmark(AbstractBenchmark):
    """`--help`, `list`, and the reports of two made-up studies, one as people run them and one of 1,000 runs.

    `quick` leaves out the second.
    """

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return processor time of each, and the size of the large study's page and of its whole report."""
        with tempfile.TemporaryDirectory() as folder:
            figures = [*_asked(Path(folder) / "listed"), _usual(Path(folder) / "usual")]
            return figures if quick else [*figures, *_large(Path(folder) / "large")]


def _asked(home: Path) -> list[Figure]:
    ledger = Ledger(home)
    ledger.create()
    for number in range(LISTED):
        ledger.save_study(StudyRecord(f"study-{number}", StudySpec(_spec(**USUAL)), 12, 3))
    asked = command_cpu_s("--help", rounds=ROUNDS), command_cpu_s("list", "--home", str(home), rounds=ROUNDS)
    return [
        Figure.at_most("harness --help: processor time (s)", asked[0], HELP_LIMIT_S),
        Figure.at_most(f"harness list with {LISTED} studies: processor time (s)", asked[1], LIST_LIMIT_S),
    ]


def _usual(home: Path) -> Figure:
    write_home(home, USUAL_CURVES, configurations=USUAL["configurations"], seeds=USUAL["seeds"], points=USUAL["points"])
    taken = command_cpu_s("report", NAME, "--home", str(home))
    runs = USUAL["configurations"] * len(ARMS) * USUAL["seeds"]
    return Figure.at_most(f"harness report of {runs} runs: processor time (s)", taken, REPORT_LIMIT_S)


def _large(home: Path) -> list[Figure]:
    write_home(home, configurations=LARGE["configurations"], seeds=LARGE["seeds"], points=LARGE["points"])
    out = home / "reports" / NAME
    began = time.perf_counter()
    write_report(Workspace(home), NAME, out)
    taken = time.perf_counter() - began
    page = (out / "report.html").stat().st_size / 1e6
    whole = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    size = f"{LARGE['configurations'] * len(ARMS) * SEEDS:,} runs with {LARGE['points']:,} points a curve"
    return [
        Figure.below(f"{size}: report (s)", taken, LIMIT_S),
        Figure.below(f"{size}: report.html (MB)", page, LIMIT_MB),
        Figure(f"{size}: the whole folder (MB)", whole),
    ]


def write_home(
    home: Path, curves: Sequence[str] = CURVES, *, configurations: int, points: int, seeds: int = SEEDS
) -> None:
    """Write the ledger and the histories of a finished study of made-up numbers."""
    ledger = Ledger(home)
    ledger.create()
    ledger.save_study(StudyRecord(NAME, StudySpec(_spec(configurations, seeds, points)), configurations, seeds))
    for trial in range(configurations):
        for arm in ARMS:
            for seed in range(seeds):
                ledger.save_run(_run(home / "store", trial, arm, seed, points, curves))


def _spec(configurations: int, seeds: int, points: int) -> dict[str, Any]:
    when = {"kind": "int", "field": "when", "low": 1, "high": points, "step": 1}
    rate = {"kind": "float", "field": "rate", "low": 0.001, "high": 1.0, "log": True}
    return {
        "name": NAME,
        "title": "A large study",
        "question": "How long does its report take?",
        "base": _base(points),
        "space": {"when": when, "rate": rate},
        "arms": {arm: {"arm": arm} for arm in ARMS},
        "comparison": list(reversed(ARMS)),
        "metric": "accuracy/all",
        "smallest_effect": 0.005,
        "trials": configurations,
        "seeds": seeds,
    }


def _base(points: int) -> dict[str, Any]:
    return {"steps": points, "precision": "fp32"}


def _run(store: Path, trial: int, arm: str, seed: int, points: int, curves: Sequence[str]) -> RunRecord:
    stream = np.random.default_rng([trial, ARMS.index(arm), seed])
    growth = points // 4 + trial % (points // 2)
    place = [trial, arm, seed]
    stages = tuple(StageAddress(digest([*place, stage]), step) for stage, step in enumerate((growth, points)))
    for address, steps in zip(stages, (range(1, growth + 1), range(growth, points + 1)), strict=True):
        _store(store, address, list(steps), curves, stream)
    accuracy = 0.8 + 0.05 * float(stream.normal()) + 0.02 * ARMS.index(arm)
    metrics = {f"test/accuracy/{part}": accuracy for part in ("all", "known", "late")}
    metrics |= {"test/forgetting": 0.1, "cost/seconds": 10.0, "cost/steps": float(points)}
    growths = ({"step": growth, "parameters_added": 100},)
    params = {"when": growth, "rate": float(10 ** stream.uniform(-3, 0))}
    config = {**_base(points), **params, "arm": arm, "seed": seed}
    return RunRecord(
        *(NAME, trial, arm, seed, digest(config)[:16], params, config, "completed"),
        stages=stages,
        growths=growths,
        metrics=metrics,
    )


def _store(
    store: Path, address: StageAddress, steps: list[int], curves: Sequence[str], stream: np.random.Generator
) -> None:
    history = History()
    for name in curves:
        values = np.exp(-np.array(steps) / 200) + 0.01 * stream.normal(size=len(steps))
        history.extend(name, Series(steps, values.tolist()))
    folder = stage_folder(store, address)
    folder.mkdir(parents=True)
    for name, part in zip(METRICS_FILES, (history, History()), strict=True):
        (folder / name).write_bytes(part.to_bytes())
