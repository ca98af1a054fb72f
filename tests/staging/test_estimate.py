from pathlib import Path

import pytest

from harness.core.spec import with_changes
from harness.staging.estimate import StepCost, measured_cost, stored_cost
from harness.staging.histories import stage_folder
from harness.staging.plan import make_plan
from harness.staging.run import RunConfig
from harness.staging.runner import Runner


def test_cost_is_what_is_not_stored_times_a_step(digits_run: RunConfig, runner: Runner) -> None:
    arms = [with_changes(digits_run, {"growths.0.freeze": kind}) for kind in ("nothing", "old_parameters")]
    cost = StepCost(seconds_per_step=0.5, snapshot_bytes=1000, bytes_per_step=10)
    before = cost.seconds(make_plan(arms, runner.store)) if runner.store.ledger.exists else 0

    runner.run(arms[0])

    plan = make_plan(arms, runner.store)
    assert (before, cost.seconds(plan)) == (30, 10)
    assert cost.disk_bytes(plan) == 3 * 1000 + 60 * 10


def test_what_is_stored_says_what_more_of_it_will_cost(digits_run: RunConfig, runner: Runner, tmp_path: Path) -> None:
    plan = make_plan([digits_run], runner.store)
    assert stored_cost(plan, runner.store) is None
    result = runner.run(digits_run)

    cost = stored_cost(plan, runner.store)

    assert cost is not None
    assert cost.seconds_per_step == pytest.approx(result.metrics["cost/seconds"] / 40)
    sizes = [
        (stage_folder(tmp_path / "home" / "store", address) / "state.safetensors").stat().st_size
        for address in result.stages
    ]
    assert cost.snapshot_bytes == sum(sizes) / 2


def test_a_little_training_says_what_more_will_cost(digits_run: RunConfig, runner: Runner) -> None:
    cost = measured_cost(digits_run, runner.data(digits_run))

    result = runner.run(digits_run)

    stored = stored_cost(make_plan([digits_run], runner.store), runner.store)
    assert stored is not None
    assert 0 < cost.seconds_per_step < 1
    assert cost.snapshot_bytes == pytest.approx(stored.snapshot_bytes, rel=0.5)
    assert cost.bytes_per_step == pytest.approx(stored.bytes_per_step, rel=0.8)
    assert runner.steps_trained == 40 == result.metrics["cost/steps"]
