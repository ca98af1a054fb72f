"""Every way of growing that a study may ask about, as a small run on real data."""

from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.spec import with_changes
from harness.data import AbstractTask, Digits, Output, Scale, Split, TaskData
from harness.growth import (
    AbstractOperation,
    AddBranch,
    AtStep,
    AttachHead,
    GrowBest,
    GrowthRule,
    InsertLayer,
    JoinTap,
    NoFreezing,
    OldParameters,
    PruneUnits,
    RemoveHead,
    ReplaceHead,
    SplitClass,
    ToggleHead,
    Unchanged,
    WidenHead,
    WidenLayer,
)
from harness.growth.freezing import ByName
from harness.growth.layers import LinearLayer
from harness.growth.scores import TaylorScore
from harness.growth.triggers import AtEpoch, Plateau
from harness.growth.units import RandomUnits
from harness.initializers import Imprint
from harness.losses import (
    CrossEntropy,
    Distillation,
    FeatureMatching,
    JointCrossEntropy,
    LearningWithoutForgetting,
    MeanSquared,
    ModelLoss,
    ParameterNorm,
    Ramp,
    SeparateCrossEntropy,
    TargetWeighted,
    Uncertainty,
)
from harness.models import MLP, AbstractModel
from harness.staging.results import RunResult
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.training.average import EMA
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
ALL = tuple(range(10))
MODEL = MLP(inputs=64, widths=(32, 16), dropout=0.1)


class DigitsAndMore(AbstractTask):
    """Digits, with their parity, and two numbers that depend on them: how much ink there is, and in which half."""

    kind: Literal["test_digits_and_more"] = "test_digits_and_more"

    def load(self, folder: Path | None) -> TaskData:
        data = Digits(classes={"all": ALL}).load(folder)
        ink = data.train.inputs.sum(dim=1, keepdim=True)
        scale = Scale(ink.mean().item(), ink.std().item(), "pixels")

        def more(split: Split) -> Split:
            ink = split.inputs.sum(dim=1, keepdim=True)
            upper = split.inputs[:, :32].sum(dim=1, keepdim=True) - 10
            targets = {"parity": split.labels % 2, "ink": (ink - scale.mean) / scale.std, "upper": upper}
            return Split(split.inputs, split.labels, targets)

        return TaskData(more(data.train), more(data.validation), more(data.test), self.classes, {"ink": scale})


class Autoencoder(AbstractModel):
    """Returns a dict: classes, the latent features, what is reconstructed from them, and how badly."""

    kind: Literal["test_autoencoder"] = "test_autoencoder"

    def build(self, outputs: int) -> nn.Module:
        return _Autoencoder(outputs)


class _Autoencoder(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 16), nn.ReLU())
        self.decoder = nn.Linear(16, 64)
        self.output = nn.Linear(16, outputs)

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        latent = self.encoder(inputs)
        copy = self.decoder(latent)
        loss = functional.mse_loss(copy.float(), inputs)
        return {"digits": self.output(latent), "latent": latent, "copy": copy, "reconstruction_loss": loss}


def rule(step: int, operation: AbstractOperation, **rest: Any) -> GrowthRule:
    return GrowthRule(trigger=AtStep(step=step), operation=operation, freeze=rest.pop("freeze", NoFreezing()), **rest)


def run(task: AbstractTask, *growths: GrowthRule, **rest: Any) -> RunConfig:
    training = {"optimizer": AdamW(lr=5e-3), "batch_size": 32, "evaluate_every": 10} | rest.pop("training", {})
    return RunConfig(
        task=task,
        model=rest.pop("model", MODEL),
        steps=rest.pop("steps", 50),
        growths=growths,
        training=TrainingConfig(**training),
        device="cpu",
        precision="fp32",
        **rest,
    )


def boundaries(operations: list[AbstractOperation], *, reveal: bool) -> list[GrowthRule]:
    """Return four growths, each after two passes over the two classes at hand."""
    return [
        GrowthRule(trigger=AtEpoch(epoch=2), operation=operation, freeze=NoFreezing(), reveals=pair if reveal else ())
        for operation, pair in zip(operations, PAIRS[1:], strict=True)
    ]


HEADS: list[AbstractOperation] = [AttachHead(name=f"t{n}", outputs=2, tap="hidden.1") for n in (1, 2, 3, 4)]
WIDER: list[AbstractOperation] = [WidenHead(path="output", to=size) for size in (4, 6, 8, 10)]
LATE = tuple(range(2, 10))
LWF = {"classes": JointCrossEntropy(), "lwf": LearningWithoutForgetting(weight=2.0)}

WIDENED = tuple(WidenLayer(path=f"hidden.{n}.linear", by=16, method=RandomUnits()) for n in (0, 1))

SCENARIOS = {
    "a head that was off is switched on": run(
        DigitsAndMore(classes={"digits": ALL}, outputs={"parity": Output(kind="classes", columns=2)}),
        rule(20, ToggleHead(name="parity", on=True), loss_weight=Ramp(steps=10)),
        start=(AttachHead(name="parity", outputs=2, tap="hidden.0"), ToggleHead(name="parity", on=False)),
        training={"losses": {"digits": JointCrossEntropy(), "parity": CrossEntropy()}},
    ),
    "units come, a head leaves, and units leave": run(
        DigitsAndMore(classes={"digits": ALL}, outputs={"parity": Output(kind="classes", columns=2)}),
        rule(10, GrowBest(candidates=WIDENED, draws=2)),
        rule(20, RemoveHead(name="parity")),
        rule(30, PruneUnits(path="hidden.0.linear", to=24, score=TaylorScore(), fill="mean")),
        start=(AttachHead(name="parity", outputs=2, tap="hidden.0"),),
        training={
            "losses": {"digits": JointCrossEntropy(), "parity": CrossEntropy(weight=Uncertainty(likelihood="softmax"))},
            "average": EMA(),
        },
    ),
    "a second network beside the first, which is frozen": run(
        DigitsAndMore(classes={"digits": (0, 1, 2, 3, 4, 5)}, outputs={"parity": Output(kind="classes", columns=2)}),
        rule(10, WidenHead(path="output", to=10), reveals=(6, 7, 8, 9)),
        rule(20, AddBranch(name="second", readers=("output",), values="drawn"), freeze=ByName(patterns=("hidden.*",))),
        rule(30, JoinTap(path="branches.second.network.hidden.1.linear", tap="hidden.0")),
        rule(40, AttachHead(name="parity", outputs=2, tap="branches.second"), freeze=ByName(patterns=("hidden.*",))),
        training={"losses": {"digits": JointCrossEntropy(), "parity": CrossEntropy()}, "average": EMA()},
    ),
    "layers at every plateau": run(
        Digits(classes={"digits": ALL}),
        *(
            GrowthRule(
                trigger=Plateau(metric="val/loss/total", patience=1, min_delta=0.3),
                operation=InsertLayer(after="hidden.0", name=name, layer=LinearLayer()),
                freeze=NoFreezing(),
            )
            for name in ("second", "third")
        ),
        steps=100,
    ),
    "grown from the start": run(
        Digits(classes={"digits": ALL}), start=(InsertLayer(after="hidden.0", layer=LinearLayer()),)
    ),
    "a class is split": run(
        Digits(classes={"digits": (0, 1, (2, 3, 4), 5, 6, 7, 8, 9)}),
        rule(20, SplitClass(path="output", parent=2, children=3), keep_teacher=True, freeze=OldParameters()),
        training={
            "losses": {
                "classes": JointCrossEntropy(label_smoothing=0.1),
                "teacher": Distillation(columns=(0, 1, 2, 3, 4, 5, 6, 7, 2, 2)),
            }
        },
    ),
    "another output layer learns from the old one": run(
        Digits(classes={"digits": PAIRS}),
        rule(20, ReplaceHead(path="output", to=10, keep_teacher=True), reveals=ALL),
        training={
            "losses": {
                "classes": JointCrossEntropy(),
                "teacher": Distillation(columns=tuple(digit // 2 for digit in ALL), weight=0.5),
                "features": FeatureMatching(tap="hidden.1", weight=0.1),
            }
        },
    ),
    "six outputs become ten": run(
        Digits(classes={"digits": (0, 1, 2, 3, 4, 5)}),
        rule(20, WidenHead(path="output", to=10, new_rows=Imprint()), reveals=(6, 7, 8, 9), freeze=OldParameters()),
        training={"losses": {"classes": JointCrossEntropy(), "norm": ParameterNorm(paths=("output",), weight=1e-3)}},
    ),
    "a second target": run(
        DigitsAndMore(outputs={"ink": Output(), "upper": Output()}),
        rule(20, AttachHead(name="upper", outputs=1, tap="hidden.1"), keep_teacher=True),
        training={
            "losses": {
                "ink": TargetWeighted(threshold=20.0, slope=0.5, weight=Uncertainty(likelihood="gaussian")),
                "upper": MeanSquared(weight=Uncertainty(likelihood="gaussian")),
                "lwf": LearningWithoutForgetting(),
            }
        },
    ),
    "a dict with a loss of its own": run(
        DigitsAndMore(
            classes={"digits": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
            outputs={"copy": Output(kind="inputs", columns=64), "parity": Output(kind="classes", columns=2)},
        ),
        rule(20, AttachHead(name="parity", outputs=2, tap="encoder"), loss_weight=0.5),
        model=Autoencoder(),
        training={
            "losses": {
                "digits": JointCrossEntropy(),
                "copy": ModelLoss(output="reconstruction_loss", weight=Ramp(steps=20)),
                "error": MeanSquared(output="copy", weight=0.0),
                "parity": CrossEntropy(),
            },
            "record_gradients_every": 5,
        },
    ),
    "split, task-incremental": run(
        Digits(classes={f"t{n}": pair for n, pair in enumerate(PAIRS)}),
        *boundaries(HEADS, reveal=False),
        training={"losses": {"classes": SeparateCrossEntropy()}, "replay": 0.0},
        steps=60,
    ),
    "split, domain-incremental": run(
        Digits(classes={"parity": (ALL[::2], ALL[1::2])}, hidden=LATE),
        *boundaries([Unchanged()] * 4, reveal=True),
        training={"replay": 0.0},
        steps=60,
    ),
    "split, class-incremental, one head": run(
        Digits(classes={"digits": ALL}, hidden=LATE),
        *boundaries([Unchanged()] * 4, reveal=True),
        training={"replay": 0.0},
        steps=60,
    ),
    "split, class-incremental, two rows more": run(
        Digits(classes={"digits": (0, 1)}),
        *(growth.model_copy(update={"keep_teacher": True}) for growth in boundaries(WIDER, reveal=True)),
        training={"replay": 0.25, "losses": LWF},
        steps=60,
    ),
}


def runner_in(home: Path) -> Runner:
    return Runner(Workspace(home).create())


def same(one: RunResult, other: RunResult) -> bool:
    return one.history == other.history and one.stages == other.stages


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_runs_and_is_restored_to_the_bit(name: str, tmp_path: Path) -> None:
    config, runner = SCENARIOS[name], runner_in(tmp_path / "parts")
    runner.check(config)
    half = with_changes(config, {"steps": config.steps - 3})

    runner.run(half)
    restored, whole = runner.run(config), runner_in(tmp_path / "whole").run(config)

    assert len(whole.growths) == len(config.growths)
    assert same(restored, whole)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_runs_in_16_bits(name: str, precision: str, tmp_path: Path) -> None:
    result = runner_in(tmp_path).run(with_changes(SCENARIOS[name], {"precision": precision}))

    assert result.metrics.get("cost/skipped_steps", 0) <= 5
    assert all(torch.tensor(list(result.metrics.values())).isfinite())
