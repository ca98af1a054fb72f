from pathlib import Path
from typing import Any

import pytest

from harness.core.spec import with_changes
from harness.growth import OldParameters
from harness.growth.freezing import WarmUpThenThaw
from harness.staging import chain
from harness.staging.ledger import Ledger
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.store import Store

OLD, LATE = 64 * 16 + 16 + 16 * 8 + 8 + 8 * 6 + 6, 16 * 5 + 5 + 5 * 4 + 4
NAMES = ("growth/parameters", "growth/parameters_trainable", "growth/parameters_added")


def counts(runner: Runner, run: RunConfig) -> list[float]:
    metrics = runner.run(run).metrics
    return [metrics[name] for name in NAMES]


@pytest.mark.parametrize(
    ("freeze", "trainable"),
    [
        ("nothing", OLD + LATE),
        (OldParameters(), LATE),
        (WarmUpThenThaw(steps=20), OLD + LATE),  # it thaws at the end of the run
        (WarmUpThenThaw(steps=21), LATE),
    ],
)
def test_all_parameters_are_counted_and_those_that_are_trained_at_the_end(
    runner: Runner, digits_run: RunConfig, freeze: Any, trainable: int
) -> None:
    run = with_changes(digits_run, {"growths.0.freeze": freeze})

    assert counts(runner, run) == [OLD + LATE, trainable, LATE]


@pytest.mark.parametrize("freeze", ["old_parameters", "nothing"])
def test_a_run_whose_stages_are_all_stored_has_the_same_counts_without_its_snapshots(
    runner: Runner, digits_run: RunConfig, freeze: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = with_changes(digits_run, {"growths.0.freeze": freeze})
    trained = counts(runner, run)
    for snapshot in (tmp_path / "home" / "store").rglob("state.safetensors"):
        snapshot.unlink()
    monkeypatch.delattr(chain, "train_stage")

    assert counts(Runner(Store(tmp_path / "home" / "store", Ledger(tmp_path / "home"))), run) == trained


def test_a_network_that_never_grew_is_trained_as_a_whole(runner: Runner, digits_run: RunConfig) -> None:
    assert counts(runner, with_changes(digits_run, {"growths": ()})) == [OLD, OLD, 0]


def test_a_teacher_is_no_part_of_the_network(runner: Runner, digits_run: RunConfig) -> None:
    assert counts(runner, with_changes(digits_run, {"growths.0.keep_teacher": True}))[0] == OLD + LATE
