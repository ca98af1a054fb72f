import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.staging.ledger import Ledger, RunRecord
from harness.staging.study_spec import StudySpec

Call = Callable[..., subprocess.CompletedProcess[str]]


def numbers(run: RunRecord) -> dict[str, float]:
    return {name: value for name, value in run.metrics.items() if name != "cost/seconds"}


def test_the_best_configuration_is_shown_with_its_arms(first_run: tuple[Path, object], call: Call) -> None:
    home = first_run[0] / "runs"
    runs = Ledger(home).runs("tiny")
    values = {run.key: run.metrics["val/accuracy/all"] for run in runs}
    means = {n: (values[n, "frozen", 1000 * n] + values[n, "unfrozen", 1000 * n]) / 2 for n in (0, 1)}
    trial = max(means, key=means.__getitem__)
    seed = 1000 * trial

    ended = call("best", "tiny", "--home", str(home))

    when = next(run for run in runs if run.trial == trial).params["when"]
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"tiny: trial {trial}, val/accuracy/all {means[trial]:.4f}, to maximize",
        f"  when = {when}  (growths.0.trigger.step)",
        f"  arm frozen: {values[trial, 'frozen', seed]:.4f}",
        f"  arm unfrozen: {values[trial, 'unfrozen', seed]:.4f}",
    ]


def test_what_is_exported_runs_to_the_same_numbers(first_run: tuple[Path, object], call: Call, workplace: Path) -> None:
    home = first_run[0] / "runs"
    shown = call("best", "tiny", "--home", str(home), "--export", "best.py")
    trial = int(shown.stdout.partition("trial ")[2].partition(",")[0])

    ended = call("run", "best.py", "--no-tracking")

    assert (shown.returncode, ended.returncode, ended.stderr) == (0, 0, "")
    expected = {(run.arm, run.seed): run for run in Ledger(home).runs("tiny") if run.trial == trial}
    found = {(run.arm, run.seed): run for run in Ledger(workplace / "runs").runs("tiny-best")}
    assert {key: numbers(run) for key, run in found.items()} == {key: numbers(run) for key, run in expected.items()}
    assert {key: run.run_id for key, run in found.items()} == {key: run.run_id for key, run in expected.items()}


def test_a_file_that_is_there_is_not_written_over(first_run: tuple[Path, object], call: Call, workplace: Path) -> None:
    (workplace / "mine.py").write_text("mine")

    ended = call("best", "tiny", "--home", str(first_run[0] / "runs"), "--export", "mine.py")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert (workplace / "mine.py").read_text() == "mine"


def test_a_file_that_cannot_be_written_is_one_line(first_run: tuple[Path, object], call: Call) -> None:
    ended = call("best", "tiny", "--home", str(first_run[0] / "runs"), "--export", "nowhere/best.py")

    assert ended.returncode == 2
    assert "cannot write nowhere/best.py" in ended.stderr


def test_a_study_that_was_not_begun_has_no_best(call: Call) -> None:
    ended = call("best", "tiny")

    assert ended.returncode == 2
    assert "no study 'tiny' was begun" in ended.stderr


def test_without_its_file_the_best_is_known_all_the_same(first_run: tuple[Path, object], call: Call) -> None:
    folder = first_run[0].parent / "moved"
    shutil.copytree(first_run[0] / "runs", folder)

    assert call("best", "tiny", "--home", str(folder)).returncode == 0


@pytest.fixture
def weighed(first_run: tuple[Path, object], workplace: Path) -> dict[int, tuple[float, float]]:
    """Let the study that was run have weighed accuracy against parameters; return what each trial came to."""
    before, ledger = Ledger(first_run[0] / "runs"), Ledger(workplace / "runs")
    ledger.create()
    record = before.study("tiny")
    assert record is not None
    objective = {"metric": "growth/parameters_added", "direction": "minimize"}
    ledger.save_study(replace(record, spec=StudySpec({**record.spec, "objectives": [objective]})))
    sums: dict[int, list[float]] = {}
    for run in before.runs("tiny"):
        metrics = {**run.metrics, "growth/parameters_added": 1000.0 * (2 - run.trial)}
        ledger.save_run(replace(run, metrics=metrics))
        sums.setdefault(run.trial, []).append(run.metrics["val/accuracy/all"])
    return {trial: (sum(found) / 2, 1000.0 * (2 - trial)) for trial, found in sums.items()}


def test_the_pareto_front_is_listed_below_the_best(weighed: dict[int, tuple[float, float]], call: Call) -> None:
    by_accuracy = sorted(weighed, key=lambda trial: (-weighed[trial][0], trial))
    front = by_accuracy[:1] if by_accuracy[0] == 1 else by_accuracy  # trial 1 costs half of trial 0

    ended = call("best", "tiny")

    value, added = weighed[by_accuracy[0]]
    lines = ended.stdout.splitlines()
    assert lines[0] == (
        f"tiny: trial {by_accuracy[0]}, val/accuracy/all {value:.4f}, to maximize, "
        f"growth/parameters_added {added:,.0f}, to minimize"
    )
    at = lines.index(f"Pareto front of val/accuracy/all, growth/parameters_added: {len(front)} of 2 configurations")
    assert [line.partition(":")[0] for line in lines[at + 1 :]] == [f"  trial {trial}" for trial in front]


@pytest.mark.parametrize("trial", [0, 1])
def test_any_trial_can_be_shown_and_exported(
    weighed: dict[int, tuple[float, float]], call: Call, workplace: Path, trial: int
) -> None:
    ended = call("best", "tiny", "--trial", str(trial), "--export", "one.py")

    assert ended.stdout.startswith(f"tiny: trial {trial}, val/accuracy/all {weighed[trial][0]:.4f}")
    assert f"The configuration of trial {trial} of the study `tiny`" in (workplace / "one.py").read_text()
    assert call("best", "tiny", "--trial", "7").returncode == 2
