from typing import Any

import pytest
import torch

from harness.core.errors import InputError, SpecError
from harness.core.spec import with_changes
from harness.losses import Ramp
from harness.staging.run import RunConfig, resolved, run_id
from harness.staging.stage_key import first_key


def test_a_run_survives_json(digits_run: RunConfig) -> None:
    assert RunConfig.model_validate(digits_run.to_json()) == digits_run


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("growths.0.trigger.step", 40, r"growths\.0\.trigger\.step: expected a step before the end at 40, found 40"),
        ("growths.0.operation.outputs", 3, r"growths\.0\.operation\.outputs: expected 4.*found 3"),
        ("growths.0.operation.name", "other", r"growths\.0\.operation\.name: expected one of .*'late'.*'other'"),
        ("training.batch_size", 0, r"training\.batch_size"),
        ("task.classes", {"known": [0, 1], "late": [1]}, "every class in one head"),
    ],
)
def test_a_run_that_cannot_be_is_refused(digits_run: RunConfig, field: str, value: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        with_changes(digits_run, {field: value})


def test_two_growths_at_one_step_are_refused(digits_run: RunConfig) -> None:
    twice = [digits_run.growths[0], digits_run.growths[0]]

    with pytest.raises(SpecError, match=r"growths\.1\.trigger\.step: expected one growth a step.*growths\.0; use 21"):
        with_changes(digits_run, {"growths": twice})


def test_auto_becomes_what_the_machine_has(digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    run = resolved(with_changes(digits_run, {"device": "auto", "precision": "auto"}))

    assert (run.device, run.precision) == ("cpu", "fp32")


def test_cuda_that_is_not_there_is_refused(digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(InputError, match="use --device cpu"):
        resolved(with_changes(digits_run, {"device": "cuda"}))


def test_a_run_is_named_by_all_that_decides_it(digits_run: RunConfig) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"seed": 1},
        {"steps": 41},
        {"training.optimizer.lr": 0.1},
        {"growths.0.loss_weight": 0.5},
    ]

    assert len({run_id(with_changes(digits_run, change)) for change in changes}) == len(changes)


def test_an_output_without_a_loss_is_refused(digits_run: RunConfig) -> None:
    outputs = {"task.outputs": {"load": {"columns": 2}}}

    with pytest.raises(SpecError, match="expected a loss of the output 'load', found losses of no single output"):
        with_changes(digits_run, outputs)
    with_changes(digits_run, {**outputs, "training.losses": {"classes": "joint_cross_entropy", "load": "huber"}})


def test_operations_of_the_start_are_checked_like_those_of_growths(digits_run: RunConfig) -> None:
    head = {"kind": "attach_head", "name": "late", "outputs": 3, "tap": "hidden.0"}

    with pytest.raises(SpecError, match=r"start\.0\.outputs: expected 4.*found 3"):
        with_changes(digits_run, {"start": [head]})


def test_the_weight_of_a_loss_can_be_changed_by_its_path(digits_run: RunConfig) -> None:
    ramp = {"kind": "ramp", "steps": 10}

    run = with_changes(digits_run, {"training.losses.classes.weight": 0.5, "growths.0.loss_weight": ramp})

    assert run.training.losses["classes"].weight == 0.5
    assert run.growths[0].loss_weight == Ramp(steps=10)


def test_drift_is_measured_from_a_network_that_some_growth_keeps(digits_run: RunConfig) -> None:
    with pytest.raises(SpecError, match=r"training\.record_drift: expected a growth that keeps.*set keep_teacher"):
        with_changes(digits_run, {"training.record_drift": True})

    assert with_changes(digits_run, {"training.record_drift": True, "growths.0.keep_teacher": True})
    assert with_changes(digits_run, {"training.record_drift": True, "growths": []})


def test_a_schedule_that_lasts_as_long_as_its_run_keeps_runs_of_other_lengths_apart(digits_run: RunConfig) -> None:
    following = with_changes(digits_run, {"training.schedule": {"kind": "cosine", "warm_up": 5}})
    fixed = with_changes(following, {"training.schedule.steps": 40})
    longer = {"steps": 60}

    assert following.with_length == fixed.with_length == fixed
    assert first_key(following) == first_key(fixed)
    assert first_key(with_changes(fixed, longer)) == first_key(fixed)
    assert first_key(with_changes(following, longer)) != first_key(following)
    assert first_key(following.up_to(30)) == first_key(following)
    assert following.up_to(30).steps == 30
