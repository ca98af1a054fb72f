import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import SpecError
from harness.core.spec import with_changes
from harness.data import load_task
from harness.data.augment import AbstractAugmentation
from harness.losses import AbstractOutputLoss, Batch, CrossEntropy, JointCrossEntropy
from harness.models import AbstractModel
from harness.staging.check_training import check_training, what_is_tried
from harness.staging.network import build_network
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.training.optimizers import AbstractOptimizer
from harness.training.output_specs import output_specs
from harness.training.schedules import AbstractSchedule

DIGITS = {"task.classes": {"digits": tuple(range(10))}, "growths": ()}


class Focal(AbstractOutputLoss):
    """A loss as it is written in half an hour."""

    kind: Literal["tried_focal"] = "tried_focal"
    mistake: Literal["none", "raises", "no mean", "few"] = "none"

    def value(self, batch: Batch, output: str) -> Tensor:
        classes = batch.target(output)
        if self.mistake == "few" and len(classes) < 32:
            raise ValueError("expected a whole batch")
        likely = functional.log_softmax(batch.outputs[output], dim=1).gather(1, classes[:, None])
        if self.mistake == "raises":
            return likely @ batch.outputs["late"]
        each = -((1 - likely.exp()) ** 2) * likely * (1 + 0 * (torch.rand(()) + random.random() + np.random.rand()))  # noqa: NPY002
        return each if self.mistake == "no mean" else each.mean()


class Lost(AbstractAugmentation):
    kind: Literal["tried_lost"] = "tried_lost"

    def apply(self, inputs: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        raise KeyError("strength")


class Shifting(AbstractOptimizer):
    kind: Literal["tried_shifting"] = "tried_shifting"
    lr: float = 0.1
    mistake: Literal["build", "step", "none"] = "none"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        if self.mistake == "build":
            raise TypeError("no such argument")
        return _Shift(list(parameters), self.mistake)


class _Shift(torch.optim.Optimizer):
    def __init__(self, parameters: list[nn.Parameter], mistake: str) -> None:
        super().__init__(parameters, {"lr": 0.1})
        self._mistake = mistake

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        for parameter in self.param_groups[0]["params"]:
            parameter.add_(float("nan"))
        if self._mistake == "step":
            raise RuntimeError("sizes differ")


class Silent(AbstractSchedule):
    kind: Literal["tried_silent"] = "tried_silent"

    def factor(self, step: int, age: int) -> float:  # noqa: ARG002
        return None  # type: ignore[return-value]


class Normed(AbstractModel):
    """A network that fails in train mode alone, if it is to fail."""

    kind: Literal["tried_normed"] = "tried_normed"
    fails: bool = False

    def build(self, outputs: int) -> nn.Module:
        return _Normed(outputs, fails=self.fails)


class _Normed(nn.Module):
    shift: Tensor

    def __init__(self, outputs: int, *, fails: bool) -> None:
        super().__init__()
        self.norm, self.drop, self.out = nn.BatchNorm1d(64), nn.Dropout(0.5), nn.Linear(64, outputs)
        self.register_buffer("shift", torch.zeros(1).expand(64))  # which cannot be written
        self.fails = fails

    def forward(self, inputs: Tensor) -> Tensor:
        if self.fails and self.training:
            raise AttributeError("no attribute 'outptu'")
        found: Tensor = self.out(self.drop(self.norm(inputs + self.shift)))
        return found


Tried = Callable[[Mapping[str, Any]], None]


@pytest.fixture
def tried(digits_run: RunConfig) -> Tried:
    def of(changes: Mapping[str, Any]) -> None:
        config = with_changes(digits_run, {**DIGITS, **changes})
        data = load_task(config.task, None)
        model = build_network(config, data)
        streams = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
        values = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        modes = [module.training for module in model.modules()]
        try:
            check_training(config, model, output_specs(model, (), (), data), data)
        finally:
            assert torch.equal(torch.get_rng_state(), streams[0])
            assert (random.getstate(), np.random.get_state()[1].tolist()) == streams[1:]  # type: ignore[index]  # noqa: NPY002
            assert all(torch.equal(tensor, values[name]) for name, tensor in model.state_dict().items())
            assert [module.training for module in model.modules()] == modes
            assert all(parameter.grad is None for parameter in model.parameters())

    return of


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training.losses": {"digits": CrossEntropy()}},
        {"training.losses": {"mine": Focal(output="digits"), "classes": JointCrossEntropy()}},
        {"training.losses": {"digits": Focal(mistake="few")}},
        {"training.optimizer": Shifting()},
        {"model": Normed()},
    ],
    ids=["joint", "of the only head", "one's own", "of whole batches", "an optimizer", "batch norm"],
)
def test_what_can_be_trained_is_accepted_and_leaves_no_trace(tried: Tried, changes: Mapping[str, Any]) -> None:
    tried(changes)


@pytest.mark.parametrize(
    ("changes", "said", "source"),
    [
        (
            {"training.losses": {"digits": Focal(mistake="raises")}},
            "training.losses.digits: tried_focal, of 32 examples, fails with KeyError: 'late'",
            'likely @ batch.outputs["late"]',
        ),
        (
            {"training.losses": {"digits": Focal(mistake="no mean")}},
            "training.losses: expected a scalar tensor as loss component 'digits' at step 1, found (32, 1); take its",
            "",
        ),
        (
            {"training.augment": (Lost(),)},
            "training.augment.0: tried_lost fails with KeyError: 'strength'",
            'raise KeyError("strength")',
        ),
        (
            {"training.optimizer": Shifting(mistake="build")},
            "training.optimizer: tried_shifting fails with TypeError: no such argument",
            'raise TypeError("no such argument")',
        ),
        (
            {"training.optimizer": Shifting(mistake="step")},
            "training.optimizer: an update of tried_shifting fails with RuntimeError: sizes differ",
            'raise RuntimeError("sizes differ")',
        ),
        ({"training.schedule": Silent()}, "training.schedule: tried_silent fails with TypeError: unsupported", ""),
        (
            {"model": Normed(fails=True)},
            "model: tried_normed, in train mode, fails with AttributeError: no attribute 'outptu'",
            "raise AttributeError(\"no attribute 'outptu'\")",
        ),
    ],
)
def test_what_fails_is_one_line_that_names_the_line_of_ones_own_code(
    tried: Tried, changes: Mapping[str, Any], said: str, source: str
) -> None:
    with pytest.raises(SpecError) as found:
        tried(changes)

    message = str(found.value)
    assert message.startswith(said)
    assert "\n" not in message
    place = re.search(r"\((tests/staging/test_check_training\.py), line (\d+)\)$", message)
    assert bool(place) == bool(source)
    if place:
        with open(__file__, encoding="utf-8") as file:  # noqa: PTH123
            assert source in file.read().splitlines()[int(place[2]) - 1]


def test_a_loss_of_one_head_is_refused_once_a_growth_brings_another(digits_run: RunConfig, runner: Runner) -> None:
    config = with_changes(digits_run, {"training.losses": {"known": CrossEntropy()}})

    with pytest.raises(SpecError, match=r"losses.known: expected a head with a column for every .*'known' beside late"):
        runner.check(config)


def test_the_same_step_is_tried_once(digits_run: RunConfig) -> None:
    same = with_changes(digits_run, {"growths.0.trigger.step": 30, "training.optimizer.lr": 0.1})
    other = with_changes(digits_run, {"training.optimizer.weight_decay": 0.1})
    wider = with_changes(digits_run, {"growths.0.operation.width": 9})

    assert what_is_tried(same, 1) == what_is_tried(digits_run, 1)
    assert what_is_tried(other, 0) != what_is_tried(digits_run, 0) == what_is_tried(wider, 0)
    assert what_is_tried(wider, 1) != what_is_tried(digits_run, 1)
