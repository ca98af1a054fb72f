import sys
from dataclasses import replace
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from harness.data.augment import GaussianNoise, RandomShift
from harness.growth import AttachHead, GrowthRule, InsertLayer, NoFreezing, OldParameters, WidenHead
from harness.growth.freezing import GradualThaw, UpToTap, WarmUpThenThaw
from harness.growth.layers import MLPBlock
from harness.growth.lineage import Change
from harness.growth.rules import TriggerMonitor
from harness.growth.triggers import Plateau
from harness.losses import (
    AbstractOutputLoss,
    Batch,
    BinaryCrossEntropy,
    Distillation,
    FeatureMatching,
    Huber,
    JointCrossEntropy,
    MeanSquared,
    ParameterNorm,
    Ramp,
    TargetWeighted,
    Uncertainty,
)
from harness.metrics import AUROC, MacroF1, RSquared
from harness.models import MLP, ConvNet, GrowableModel
from harness.training.config import TrainingConfig
from harness.training.loop import StageLoop
from harness.training.optimizers import SGD, AdamW
from harness.training.packing import Packs
from harness.training.schedules import Cosine
from tests.training.packing.networks import AnyCode, OwnModel
from tests.training.packing.runs import DATA, Run, alone, loops_of, together, train

CONFIG = TrainingConfig(batch_size=16, evaluate_every=5)
METRICS = {"f1": MacroF1(), "auroc": AUROC(), "r2": RSquared()}
CLASSES = JointCrossEntropy()


def configured(**changes: Any) -> TrainingConfig:
    return CONFIG.model_copy(update=changes)


def seeds(count: int = 3, **settings: Any) -> list[Run]:
    return [Run(seed=seed, **settings) for seed in range(count)]


def head(tap: str = "hidden.0", width: int = 5, name: str = "late", outputs: int = 2, **changes: Any) -> Change:
    operation = {key: changes.pop(key) for key in ("call", "dropout", "stop_gradient") if key in changes}
    attach = AttachHead(name=name, outputs=outputs, tap=tap, width=width, **operation)
    return Change(operation=attach, freeze=changes.pop("freeze", NoFreezing()), **changes)


def each(name: str, *values: Any) -> list[Run]:
    """Return runs that differ in a setting of training."""
    return [Run(seed=seed, training=configured(**{name: value})) for seed, value in enumerate(values)]


def with_loss(name: str, *losses: Any, **settings: Any) -> list[Run]:
    """Return runs with a head of an output that is no class, learned by one loss each."""
    columns = DATA.outputs[name].columns
    return [
        Run(
            seed=seed,
            training=configured(losses={"classes": CLASSES, name: loss}),
            grown=(head(name=name, outputs=columns, **settings),),
        )
        for seed, loss in enumerate(losses)
    ]


DROPPED = MLP(inputs=64, widths=(10, 7), dropout=0.3)
BLOCK = InsertLayer(after="hidden.0", layer=MLPBlock(width=6, dropout=0.2))
WIDER = WidenHead(path="output", to=5)
FROZEN: dict[str, Any] = {"freeze": OldParameters()}


def old_teacher(loss: Any) -> list[Run]:
    training = configured(losses={"classes": CLASSES, "old": loss})
    return seeds(training=training, grown=(head(keep_teacher=True),))


SOME_BAD = replace(DATA, train=replace(DATA.train, inputs=DATA.train.inputs.clone()))
SOME_BAD.train.inputs[0] = float("nan")

TABLE = {
    "an MLP": seeds(),
    "an MLP with dropout": seeds(model=DROPPED),
    "odd widths": seeds(model=MLP(inputs=64, widths=(13, 7), dropout=0.1), training=configured(batch_size=12)),
    "an odd size of batches": seeds(model=MLP(inputs=64, widths=(13, 7)), training=configured(batch_size=7)),
    "other activations": seeds(model=MLP(inputs=64, widths=(10, 7), activation="gelu")),
    "a head": seeds(grown=(head(dropout=0.2),), model=DROPPED),
    "heads of several widths": [Run(seed=n, grown=(head(width=w),)) for n, w in enumerate((0, 5, 5, 9, 0))],
    "heads at several taps": [
        Run(seed=n, grown=(head(tap=tap, **FROZEN),), cached=True, model=DROPPED)
        for n, tap in enumerate(("hidden.0", "hidden.1", "hidden.0.linear", "hidden.0"))
    ],
    "heads that stop gradients": seeds(grown=(head(stop_gradient=True),)),
    "two growths": seeds(grown=(head(**FROZEN), head(name="sizes", outputs=3)), cached=True),
    "a frozen trunk": seeds(grown=(head(**FROZEN),), cached=True, model=DROPPED),
    "a frozen trunk without a cache": seeds(grown=(head(**FROZEN),), model=DROPPED),
    "a half frozen trunk": seeds(grown=(head(freeze=UpToTap(tap="hidden.0")),), cached=True, model=DROPPED),
    "a trunk that thaws": seeds(grown=(head(freeze=WarmUpThenThaw(steps=4)),), cached=True, model=DROPPED),
    "a trunk that thaws, without a cache": seeds(grown=(head(freeze=WarmUpThenThaw(steps=4)),), model=DROPPED),
    "layers that thaw one after the other": seeds(
        grown=(head(freeze=GradualThaw(layers=("hidden.0", "hidden.1"), every=3)),), cached=True
    ),
    "trunks that thaw at several steps": [
        Run(seed=n, grown=(head(freeze=WarmUpThenThaw(steps=steps)),), cached=True, model=DROPPED)
        for n, steps in enumerate((3, 6, 6))
    ],
    "a widened output layer": seeds(grown=(Change(operation=WIDER, freeze=NoFreezing(), reveals=(3, 4)),)),
    "a block": seeds(grown=(Change(operation=BLOCK, freeze=NoFreezing()),), model=DROPPED),
    "new rates": seeds(grown=(head(lr_factor=3.0, warm_up=4, weight_decay=0.2),)),
    "SGD with momentum": seeds(training=configured(optimizer=SGD(lr=0.05, momentum=0.9, weight_decay=0.01))),
    "SGD without momentum": seeds(training=configured(optimizer=SGD(lr=0.05, momentum=0.0))),
    "Nesterov's momentum": seeds(training=configured(optimizer=SGD(lr=0.05, momentum=0.8, nesterov=True))),
    "several optimizers": each("optimizer", AdamW(lr=1e-2, weight_decay=0.3), SGD(), AdamW(betas=(0.8, 0.9))),
    "a cosine": seeds(training=configured(schedule=Cosine(steps=10, warm_up=3))),
    "several schedules": each("schedule", Cosine(steps=10, warm_up=3), Cosine(steps=5), CONFIG.schedule),
    "clipping": seeds(training=configured(clip_norm=0.5)),
    "gradients that are recorded": seeds(training=configured(record_gradients_every=3), grown=(head(),)),
    "classes that are recorded": seeds(training=configured(record_classes=True), grown=(head(),)),
    "classes that some record": each("record_classes", True, False, True),
    "metrics of its own": seeds(training=configured(record_classes=True, metrics=METRICS), grown=(head(),)),
    "metrics that some have": each("metrics", METRICS, {}, METRICS),
    "replay": seeds(training=configured(replay=0.3), grown=(head(),)),
    "several fractions of replay": [
        Run(seed=n, training=configured(replay=fraction), grown=(head(),))
        for n, fraction in enumerate((0.0, 0.3, None))
    ],
    "evaluations after a growth": seeds(training=configured(evaluate_after_growth=4), grown=(head(),)),
    "evaluations at several steps": each("evaluate_every", 2, 5, 3),
    "smoothed labels": seeds(training=configured(losses={"classes": JointCrossEntropy(label_smoothing=0.1)})),
    "several smoothed labels": each(
        "losses", *({"classes": JointCrossEntropy(label_smoothing=part)} for part in (0.0, 0.1, 0.1))
    ),
    "weights of classes": seeds(
        training=configured(losses={"classes": JointCrossEntropy(class_weights={0: 2.0, 3: 0.5})}), grown=(head(),)
    ),
    "weights of losses": each("losses", *({"classes": JointCrossEntropy(weight=w)} for w in (1.0, 0.3, 2.0))),
    "weights that rise": each("losses", *({"classes": JointCrossEntropy(weight=Ramp(steps=n))} for n in (4, 9, 30))),
    "weights of growths": [
        Run(seed=n, grown=(head(loss_weight=weight),)) for n, weight in enumerate((1.0, 0.25, Ramp(steps=5)))
    ],
    "a squared error": with_loss("sizes", *3 * [MeanSquared()]),
    "Huber's error": with_loss("sizes", *3 * [Huber(delta=0.5)], **FROZEN),
    "yes or no": with_loss("answers", *3 * [BinaryCrossEntropy()]),
    "inputs as targets": with_loss("again", *3 * [MeanSquared()]),
    "losses that do not agree": with_loss("sizes", *(TargetWeighted(threshold=0.5, slope=n) for n in (0.0, 1.0, 2.5))),
    "a loss that reads a teacher": old_teacher(Distillation()),
    "a loss that reads taps": old_teacher(FeatureMatching(tap="hidden.0")),
    "a layer without a rule": seeds(model=OwnModel(layer="function")),
    "changed inputs": seeds(training=configured(augment=(GaussianNoise(std=0.1), RandomShift(pixels=1)))),
    "short numbers": seeds(precision="bf16", grown=(head(),), model=DROPPED),
    "short numbers above a frozen trunk": seeds(precision="bf16", grown=(head(**FROZEN),), cached=True),
    "networks of any code": seeds(model=AnyCode(parts=("residual", "residual"))),
    "networks of any code in short numbers": seeds(model=AnyCode(parts=("residual",)), precision="bf16"),
    "statistics and pictures in networks of any code": seeds(model=AnyCode(parts=("pictures", "residual"))),
    "attention in networks of any code": seeds(model=AnyCode(parts=("attention",))),
    "heads of several widths at networks of any code": [
        Run(seed=n, grown=(head("parts.0", width=w),), model=AnyCode(parts=("residual",)))
        for n, w in enumerate((0, 5, 5))
    ],
    "a frozen trunk of any code": seeds(
        model=AnyCode(parts=("residual",)), grown=(head("parts.0", **FROZEN),), cached=True
    ),
    "any code above a cut": seeds(
        model=AnyCode(parts=("row",)), grown=(head("2", freeze=UpToTap(tap="1")),), cached=True
    ),
    "steps that are skipped": seeds(data=SOME_BAD, training=configured(on_divergence="skip", batch_size=4)),
    "steps that are skipped after a growth": seeds(
        data=SOME_BAD,
        training=configured(on_divergence="skip", batch_size=4, optimizer=SGD(), clip_norm=1.0),
        grown=(head(),),
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_runs_that_are_trained_together_are_those_that_are_trained_alone(case: str, packed_steps: list[int]) -> None:
    runs = TABLE[case]
    expected = [alone(run) for run in runs]

    found = together(runs)

    assert found == expected
    assert packed_steps


class Asking(AbstractOutputLoss):
    """A loss that asks for values."""

    kind: Literal["test_packed_asking"] = "test_packed_asking"

    def value(self, batch: Batch, output: str) -> Tensor:
        error = (batch.outputs[output] - batch.target(output)).square().mean()
        return error if error.item() < 1 else error.sqrt()


CONV = ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=7, dropout=0.3)
EITHER = {
    "a convolutional network": seeds(2, model=CONV, training=configured(evaluate_every=4), steps=6),
    "a head of a convolutional network": seeds(2, model=CONV, grown=(head("blocks.1", **FROZEN),), cached=True),
    "a loss that reads parameters": each(
        "losses", *2 * [{"classes": CLASSES, "norm": ParameterNorm(paths=("output.weight",))}]
    ),
    "a weight that is learned": seeds(
        training=configured(losses={"classes": JointCrossEntropy(weight=Uncertainty())}),
        changed=lambda model: model.learn_weights(["classes"]),
    ),
    "a layer that draws": seeds(model=OwnModel(layer="noise")),
    "layers that are used twice": seeds(model=OwnModel(layer="shared")),
    "layers that are used twice below a head": seeds(
        model=OwnModel(layer="shared"), grown=(head("1", freeze=UpToTap(tap="1")),), cached=True
    ),
    "a head at a layer that is used twice": seeds(
        model=OwnModel(layer="shared"), grown=(head("2", call=-1, freeze=UpToTap(tap="1")),), cached=True
    ),
    "networks of several shapes": [Run(seed=n, model=MLP(inputs=64, widths=(w,))) for n, w in enumerate((8, 8, 16))],
    "several sizes of batches": each("batch_size", 16, 8, 16),
    "a loss that asks for values": with_loss("sizes", *3 * [Asking()]),
    "a first step that is skipped": seeds(
        7, data=SOME_BAD, training=configured(on_divergence="skip", batch_size=4, optimizer=AdamW()), steps=4
    ),
    "a first step that is skipped, with momentum": seeds(
        7, data=SOME_BAD, training=configured(on_divergence="skip", batch_size=4, optimizer=SGD()), steps=4
    ),
}


@pytest.mark.parametrize("case", EITHER)
def test_whether_runs_are_packed_or_not_they_are_the_same(case: str, packed_steps: list[int]) -> None:
    del packed_steps  # whether there are any is not the question
    runs = EITHER[case]
    expected = [alone(run) for run in runs]

    assert together(runs) == expected


class Failing(AbstractOutputLoss):
    """A squared error that fails once it is below a limit, in training or in an evaluation."""

    kind: Literal["test_packed_failing"] = "test_packed_failing"
    below: float
    way: Literal["raise", "exit", "vanish"] = "raise"
    training: bool = True

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        found = super().components(name, batch)
        if not found or torch.is_grad_enabled() != self.training or found[name].item() >= self.below:
            return found
        if self.way == "raise":
            raise ArithmeticError("too good")
        return {} if self.way == "vanish" else sys.exit(3)

    def value(self, batch: Batch, output: str) -> Tensor:
        return (batch.outputs[output].flatten(1) - batch.target(output)).square().mean()


def failing(
    below: float, way: Any = "raise", *, training: bool = True, seeds: Any = (0, 1, 2), **other: Any
) -> list[Run]:
    """Return runs of which one comes below the limit."""
    model, tap = other.get("model", MLP(inputs=64, widths=(10, 7))), other.get("tap", "hidden.0")
    runs = with_loss("sizes", *3 * [Failing(below=below, way=way, training=training)], tap=tap)
    return [replace(run, seed=seed, model=model) for run, seed in zip(runs, seeds, strict=True)]


FAILURES = {
    "a loss raises": (failing(1.05), "ArithmeticError('too good')"),
    "a loss raises in a network with running statistics": (
        failing(0.88, model=CONV, tap="hidden.linear", seeds=(0, 1, 3)),
        "ArithmeticError('too good')",
    ),
    "a loss leaves the process": (failing(1.05, "exit"), "SystemExit(3)"),
    "a component vanishes": (failing(1.05, "vanish"), "ContractError("),
    "a loss raises in an evaluation": (failing(1.15, training=False, seeds=(1, 2, 4)), "ArithmeticError('too good')"),
    "a loss leaves the process in an evaluation": (
        failing(1.15, "exit", training=False, seeds=(1, 2, 4)),
        "SystemExit(3)",
    ),
    "a network diverges": (
        [
            Run(seed=seed, data=SOME_BAD, training=configured(batch_size=4, evaluate_every=2), steps=5)
            for seed in (0, 1, 9)
        ],
        "DivergedError(",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_run_that_fails_leaves_and_the_others_go_on(case: str, packed_steps: list[int]) -> None:
    runs, error = FAILURES[case]
    expected = [alone(run) for run in runs]

    found = together(runs)

    assert [one.error[: len(error)] for one in expected if one.error] == [error]
    assert found == expected
    assert {3, 2} <= set(packed_steps)


def test_a_run_whose_trigger_fires_leaves_and_the_others_go_on(packed_steps: list[int]) -> None:
    plateau = Plateau(metric="val/loss/total", patience=2, min_delta=0.02)
    rules = (GrowthRule(trigger=plateau, operation=head().operation, freeze=NoFreezing()),)
    runs = [
        Run(seed=n, rules=rules, training=configured(optimizer=SGD(lr=lr), evaluate_every=2))
        for n, lr in enumerate((1e-4, 0.05, 0.05))
    ]
    expected = [alone(run) for run in runs]

    found = together(runs)

    assert [(one.rule, one.step) for one in expected] == [(rules[0], 6), (None, 12), (None, 12)]
    assert found == expected
    assert {3, 2} <= set(packed_steps)


def test_runs_that_are_paused_go_on_in_other_packs(packed_steps: list[int]) -> None:
    runs = seeds(model=DROPPED)
    expected = [alone(run) for run in runs]
    loops = loops_of([replace(run, settings={"pause": lambda: len(packed_steps) == 3}) for run in runs])
    train(loops)
    steps = [loop.state.step for loop in loops]
    packed_steps.append(0)  # so that nothing is paused any more

    again = [
        StageLoop(
            *(loop.state, 12), config=loop.config, data=DATA, monitor=TriggerMonitor(()), history=loop._history
        )
        for loop in reversed(loops)
    ]  # fmt: skip

    assert steps == [4, 4, 4]
    assert train(again, Packs(largest=2))[::-1] == expected


def test_a_hook_of_one_network_is_called_at_every_step(packed_steps: list[int]) -> None:
    seen: list[Tensor] = []

    def note(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append(output)

    def watch(model: GrowableModel) -> None:
        model.get_submodule("backbone.hidden.0.linear").register_forward_hook(note)

    runs = [Run(seed=0), Run(seed=1, changed=watch)]
    alone(runs[1])
    expected = len(seen)
    seen.clear()

    together(runs)

    assert len(seen) >= expected
    assert not packed_steps
