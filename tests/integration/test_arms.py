"""Both arms of a convolutional network with batch norm and dropout, on images of a task defined here."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load

from harness.core.spec import with_changes
from harness.data import AbstractTask, Split, TaskData
from harness.growth import AtStep, AttachHead, Growth, GrowthRule, NoFreezing, OldParameters
from harness.growth.lineage import Change
from harness.growth.probe import Probe
from harness.models import ConvNet
from harness.staging import chain
from harness.staging.counts import Counts
from harness.staging.histories import stage_folder
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot import write_snapshot
from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD
from harness.training.state import TrainState


class Stripes(AbstractTask):
    """Noisy stripes, `[1, 8, 8]`: the class is the row that is bright."""

    kind: Literal["test_stripes"] = "test_stripes"

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        """Return the data."""
        return TaskData(_stripes(200, 1), _stripes(50, 2), _stripes(50, 3), self.classes)


def _stripes(count: int, seed: int) -> Split:
    labels = torch.arange(count) % 5
    images = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) / 2
    images[torch.arange(count), 0, labels] += 2
    return Split(images, labels)


@pytest.fixture(params=["fp32", "bf16", "fp16"])
def run(request: pytest.FixtureRequest) -> RunConfig:
    """A run with momentum, weight decay, batch norm and dropout."""
    growth = GrowthRule(
        trigger=AtStep(step=15), operation=AttachHead(name="late", outputs=2, tap="blocks.1"), freeze=NoFreezing()
    )
    return RunConfig(
        task=Stripes(classes={"known": (0, 1, 2), "late": (3, 4)}),
        model=ConvNet(image=(1, 8, 8), channels=(4, 8), hidden=16, dropout=0.2),
        training=TrainingConfig(
            optimizer=SGD(lr=0.05, weight_decay=0.01), batch_size=20, clip_norm=5, evaluate_every=5
        ),
        growths=(growth,),
        steps=60,
        device="cpu",
        precision=request.param,
    )


def arm(run: RunConfig, policy: OldParameters | NoFreezing) -> RunConfig:
    return with_changes(run, {"growths.0.freeze": policy})


def test_both_arms_grow_from_states_that_are_equal_to_the_bit(
    run: RunConfig, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[bytes] = []
    original = TrainState.grow

    def noted(state: TrainState, change: Change, *, probe: Probe) -> Growth:
        states.append(write_snapshot(state))
        return original(state, change, probe=probe)

    monkeypatch.setattr(TrainState, "grow", noted)
    monkeypatch.setattr(
        chain, "count", lambda *_, **__: Counts(parameters=0, trainable=0, flops=(0, 0))
    )  # grows a copy
    runner.run(arm(run, OldParameters()))  # grows the state that it trained
    runner.run(arm(run, NoFreezing()))  # grows the state that it restored

    assert len(states) == 2
    assert states[0] == states[1]


def test_a_frozen_trunk_is_unchanged_to_the_bit_at_the_end(run: RunConfig, runner: Runner, tmp_path: Path) -> None:
    stages = runner.run(arm(run, OldParameters())).stages

    before, after = (
        load((stage_folder(tmp_path / "home" / "store", stage) / "state.safetensors").read_bytes()) for stage in stages
    )

    trunk = [name for name in before if name.startswith("model/")]
    assert sum("running_mean" in name or "running_var" in name for name in trunk) == 4
    assert all(torch.equal(before[name], after[name]) for name in trunk)


def test_an_unfrozen_trunk_does_change(run: RunConfig, runner: Runner, tmp_path: Path) -> None:
    stages = runner.run(arm(run, NoFreezing())).stages

    before, after = (
        load((stage_folder(tmp_path / "home" / "store", stage) / "state.safetensors").read_bytes()) for stage in stages
    )

    changed = [name for name in before if name.startswith("model/") and not torch.equal(before[name], after[name])]
    assert len(changed) == sum(name.startswith("model/") for name in before)


def test_every_precision_learns_the_late_classes(run: RunConfig, runner: Runner) -> None:
    result = runner.run(arm(run, NoFreezing()))

    assert result.metrics["test/accuracy/all"] > 0.9
    assert ("cost/skipped_steps" in result.metrics) == (run.precision == "fp16")
