from pathlib import Path
from typing import Any

import pytest
import torch

from harness.core.spec import with_changes
from harness.growth import OldParameters
from harness.growth.freezing import WarmUpThenThaw
from harness.staging import stage_trainer
from harness.staging.counts import count
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace

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
    monkeypatch.delattr(stage_trainer, "StageLoop")

    assert counts(Runner(Workspace(tmp_path / "home")), run) == trained


def test_a_network_that_never_grew_is_trained_as_a_whole(runner: Runner, digits_run: RunConfig) -> None:
    assert counts(runner, with_changes(digits_run, {"growths": ()})) == [OLD, OLD, 0]


# Of one example: 2 operations a weight forward, 2 for its gradient, and 2 for the gradient of what it is applied to,
# which the first layer does not need.
SIZES = {"first": 64 * 16, "second": 16 * 8, "own": 8 * 6, "hidden": 16 * 5, "late": 5 * 4}
WHOLE = 4 * SIZES["first"] + 6 * (SIZES["second"] + SIZES["own"])
HEAD = 6 * (SIZES["hidden"] + SIZES["late"])
FROZEN = 2 * (SIZES["first"] + SIZES["second"] + SIZES["own"]) + HEAD - 2 * SIZES["hidden"]


def flops(runner: Runner, run: RunConfig, **changes: Any) -> float:
    return runner.run(with_changes(run, changes)).metrics["cost/flops"] / run.training.batch_size


def test_operations_are_those_of_all_weights_forward_and_backward(runner: Runner, digits_run: RunConfig) -> None:
    assert flops(runner, digits_run, growths=()) == WHOLE * digits_run.steps


@pytest.mark.parametrize(
    ("freeze", "of_steps"),
    [
        ("nothing", [WHOLE + HEAD] * 20),
        ("old_parameters", [FROZEN] * 20),
        (WarmUpThenThaw(steps=5), [FROZEN] * 5 + [WHOLE + HEAD] * 15),
        (WarmUpThenThaw(steps=20), [FROZEN] * 20),
    ],
)
def test_what_is_frozen_saves_operations_while_it_is(
    runner: Runner, digits_run: RunConfig, freeze: Any, of_steps: list[int]
) -> None:
    found = runner.run(with_changes(digits_run, {"growths.0.freeze": freeze}))

    size, before = digits_run.training.batch_size, WHOLE * (digits_run.steps - 20)
    assert found.growths[0]["flops_before"] == before * size
    assert found.metrics["cost/flops"] == (before + sum(of_steps)) * size


def test_counting_disturbs_no_random_number(runner: Runner, digits_run: RunConfig) -> None:
    data, before = runner.data(digits_run), torch.get_rng_state()

    count(with_changes(digits_run, {"model.dropout": 0.5}), data, ())

    assert torch.equal(torch.get_rng_state(), before)


def test_a_teacher_is_no_part_of_the_network(runner: Runner, digits_run: RunConfig) -> None:
    assert counts(runner, with_changes(digits_run, {"growths.0.keep_teacher": True}))[0] == OLD + LATE
