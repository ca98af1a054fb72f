"""All that a run can record on a device, and features that are computed once."""

import math
from typing import Any

import pytest

from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth.rules import TriggerMonitor
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.snapshot import write_snapshot
from harness.training.features import FeatureCache
from harness.training.impact import impact, snapshot_outputs
from harness.training.loop import train_stage
from harness.training.output_specs import output_specs
from harness.training.state import TrainState, fresh_state


def trained(run: RunConfig, data: TaskData, cache: FeatureCache | None = None) -> tuple[TrainState, History]:
    """Train six steps, grow, and train thirty."""
    state = fresh_state(build_network(run, data), run.training.optimizer, seed=0, precision=run.precision)
    history, change = History(), run.growths[0].change
    settings: dict[str, Any] = {"config": run.training, "data": data, "monitor": TriggerMonitor(()), "history": history}
    train_stage(state, 6, **settings)
    state.grow(change, probe=probe_for(change, data))
    train_stage(state, 36, **settings, features=cache)
    return state, history


def test_everything_that_can_be_recorded_is_recorded_and_finite(conv_run: RunConfig, data: TaskData) -> None:
    run = with_changes(
        conv_run,
        {
            "training.record_classes": True,
            "training.record_drift": True,
            "training.record_gradients_every": 3,
            "training.clip_norm": 1.0,
            "training.replay": 0.5,
            "training.augment": [{"kind": "random_shift", "pixels": 1}],
            "training.losses": {
                "classes": {"kind": "joint_cross_entropy"},
                "old": {"kind": "learning_without_forgetting"},
            },
            "growths.0.keep_teacher": True,
        },
    )

    _, history = trained(run, data)

    assert all(math.isfinite(value) for name in history for value in history[name].values)
    for name in ("val/accuracy_of_class/7", "val/answered_by/1.7", "drift/cka/hidden.linear", "train/trunk_norm/late"):
        assert name in history, name


def test_what_a_growth_does_is_measured(conv_run: RunConfig, data: TaskData) -> None:
    run, change = conv_run, conv_run.growths[0].change
    state = fresh_state(build_network(run, data), run.training.optimizer, seed=0, precision=run.precision)
    known = data.validation.take((data.validation.labels < 6).nonzero().squeeze(1))
    before = snapshot_outputs(state, known, run.training, output_specs(state.model, (), (), data))

    state.grow(change, probe=probe_for(change, data))

    specs = output_specs(state.model, state.lineage, state.effects, data)
    found = impact(before, snapshot_outputs(state, known, run.training, specs))
    assert found["growth/logit_change"] == 0
    assert found["growth/flops_added"] > 0


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_features_that_are_computed_once_give_what_the_whole_network_gives(
    conv_run: RunConfig, data: TaskData, precision: str
) -> None:
    run = with_changes(conv_run, {"precision": precision, "growths.0.freeze": "old_parameters"})
    _, expected = trained(run, data)

    state, found = trained(run, data, FeatureCache())

    again, same = trained(run, data, FeatureCache())
    assert same == found
    assert write_snapshot(again) == write_snapshot(state)
    if state.device.type == "cpu":
        assert found == expected
    for name in expected:  # on a GPU, other shapes may choose other kernels
        assert found[name].values == pytest.approx(expected[name].values, rel=1e-2, abs=1e-3)
