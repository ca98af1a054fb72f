"""Train, grow, train: the main job, in each precision."""

import math
from dataclasses import replace

import pytest
import torch

from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth.rules import TriggerMonitor
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.training.loop import train_stage
from harness.training.precision import Precision
from harness.training.state import TrainState, fresh_state

GROWTH, END = 12, 36
LARGE_SCALE = 2.0**20


def fresh(run: RunConfig, data: TaskData) -> TrainState:
    return fresh_state(build_network(run, data), run.training.optimizer, seed=run.seed, precision=run.precision)


def train(state: TrainState, until: int, run: RunConfig, data: TaskData, history: History) -> None:
    train_stage(state, until, config=run.training, data=data, monitor=TriggerMonitor(()), history=history)


def job(run: RunConfig, data: TaskData, *, stop: int | None = None) -> tuple[TrainState, History]:
    """Train, grow and train; at `stop`, go on from a snapshot."""
    state, history = fresh(run, data), History()
    if run.precision == "fp16":
        # So large that the first gradients overflow, and are found to.
        state.scaler.load_state_dict({**state.scaler.state_dict(), "scale": LARGE_SCALE, "growth_interval": 4})
    for until in sorted({GROWTH, END, *([stop] if stop else [])}):
        train(state, until, run, data, history)
        if until == stop:
            state = restored(write_snapshot(state), run, data)
        if until == GROWTH:
            change = run.growths[0].change
            state.grow(change, probe=probe_for(change, data))
    return state, history


def restored(content: bytes, run: RunConfig, data: TaskData) -> TrainState:
    return read_snapshot(
        content,
        build_network(run, data),
        run.training.optimizer,
        probe=lambda change: probe_for(change, data),
        seed=run.seed,
        precision=run.precision,
    )


@pytest.fixture(params=["fp32", "bf16", "fp16"])
def run(request: pytest.FixtureRequest, conv_run: RunConfig) -> RunConfig:
    precision: Precision = request.param
    return with_changes(conv_run, {"precision": precision, "training.evaluate_every": 4})


def test_a_run_learns_through_a_growth_and_the_second_time_gives_the_same_bits(run: RunConfig, data: TaskData) -> None:
    state, history = job(run, data)
    again, same = job(run, data)

    assert same == history
    assert write_snapshot(again) == write_snapshot(state)
    assert state.device == data.train.labels.device
    losses = history["train/loss/total"].values
    assert all(map(math.isfinite, losses))
    for part in (history["train/loss/known"].values[:GROWTH], history["train/loss/late"].values):
        assert sum(part[-3:]) < sum(part[:3])
    assert "late" in state.model.heads


def test_a_run_goes_on_from_a_snapshot_with_the_same_bits(run: RunConfig, data: TaskData) -> None:
    state, history = job(run, data)

    stopped, same = job(run, data, stop=GROWTH + 3)

    assert same == history
    assert write_snapshot(stopped) == write_snapshot(state)


def test_gradients_that_overflow_are_skipped_and_counted(conv_run: RunConfig, data: TaskData) -> None:
    state, history = job(with_changes(conv_run, {"precision": "fp16"}), data)

    skipped, scales = history["train/skipped_steps"].values, history["train/loss_scale"].values
    assert 0 < sum(skipped) < END
    assert skipped[0] == 1
    assert scales[0] == LARGE_SCALE
    assert min(scales) < scales[0]
    assert all(bool(tensor.isfinite().all()) for tensor in state.model.state_dict().values())


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_step_whose_loss_is_not_finite_is_skipped_and_leaves_no_trace(
    conv_run: RunConfig, data: TaskData, optimizer: str
) -> None:
    run = with_changes(conv_run, {"training.on_divergence": "skip", "training.optimizer": {"kind": optimizer}})
    broken = data.train.inputs.clone()
    broken[torch.arange(0, len(broken), 200)] = torch.nan  # in some batches
    bad = replace(data, train=replace(data.train, inputs=broken))
    # Running statistics have seen a batch before its loss is known.
    run = with_changes(
        run, {"model": {"kind": "mlp", "inputs": 64, "widths": [8]}, "growths.0.operation.tap": "hidden.0"}
    )
    bad = replace(
        bad,
        train=replace(bad.train, inputs=bad.train.inputs.flatten(1)),
        validation=replace(bad.validation, inputs=bad.validation.inputs.flatten(1)),
    )

    state, history = job(run, bad)

    skipped = history["train/skipped_steps"].values
    assert 0 < sum(skipped) < END
    assert all(bool(tensor.isfinite().all()) for tensor in state.model.state_dict().values())
    counts = {int(moments["step"]) for moments in state.optimizer.state.values() if "step" in moments}
    assert max(counts, default=END - sum(skipped)) == END - sum(skipped)
    assert job(run, bad)[1] == history
