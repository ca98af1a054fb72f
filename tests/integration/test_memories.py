"""Runs that rehearse from a memory: what is shared, what stays as it was, and where their data may lie."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from torch import Tensor, nn

from harness.core.errors import HarnessError
from harness.core.spec import with_changes
from harness.data import AbstractTask, Digits, TaskData
from harness.data.sources import NpyFile
from harness.growth import AtStep, GrowthRule, NoFreezing, Unchanged
from harness.losses import DarkExperience, JointCrossEntropy, OfExamples
from harness.models import AbstractModel
from harness.staging.histories import stage_folder
from harness.staging.plan import make_plan
from harness.staging.retrain import retrain
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot_files import read_snapshot_files
from harness.staging.workspace import Workspace
from harness.training.memory import AbstractMemory, AllExamples, Herding, LargestLoss, RandomExamples, Reservoir

DARK = {
    "classes": OfExamples(which="new", loss=JointCrossEntropy()),
    "stored": DarkExperience(weight=0.5),
    "old": OfExamples(which="memory", loss=JointCrossEntropy(), weight=0.5),
}


def home(folder: Path) -> Runner:
    return Runner(Workspace(folder).create())


@pytest.fixture
def run(digits_run: RunConfig) -> RunConfig:
    """A run to which classes come at the steps 12, 20 and 28, at the second one with a head."""
    known, more = (
        GrowthRule(trigger=AtStep(step=step), operation=Unchanged(), freeze=NoFreezing(), reveals=reveals)
        for step, reveals in ((12, (4, 5)), (28, (8, 9)))
    )
    growths = (known, digits_run.growths[0], more)
    return digits_run.model_copy(
        update={"growths": growths, "task": digits_run.task.model_copy(update={"hidden": (4, 5, 8, 9)})}
    )


def remembering(run: RunConfig, memory: AbstractMemory | None, **changes: Any) -> RunConfig:
    training = run.training.model_copy(update={"memory": memory, **changes})
    return run.model_copy(update={"training": type(training).model_validate(dict(training))})


@pytest.mark.parametrize(
    ("memory", "replay"),
    [
        (AllExamples(), None),
        (AllExamples(fraction=0.4), 0.4),
        (RandomExamples(per_class=999, fraction=0.4), 0.4),
        (Reservoir(size=0), 0.0),
    ],
)
def test_replay_of_all_or_of_nothing_is_its_special_case_to_the_bit(
    memory: AbstractMemory, replay: float | None, run: RunConfig, runner: Runner
) -> None:
    one, other = runner.run(remembering(run, memory)), runner.run(remembering(run, None, replay=replay))

    assert one.history == other.history
    assert {**one.metrics, "cost/seconds": 0} == {**other.metrics, "cost/seconds": 0}


def test_runs_share_what_comes_before_the_first_growth(run: RunConfig, runner: Runner, tmp_path: Path) -> None:
    runs = [
        remembering(run, None),
        remembering(run, RandomExamples(size=9)),
        remembering(run, Herding(size=9, tap="hidden.0", per_batch=4)),
        remembering(run, Reservoir(size=9, per_batch=4), losses=DARK),
        remembering(run, Reservoir(size=9, per_batch=4), losses={**DARK, "stored": DarkExperience(weight=2.0)}),
    ]
    plan = make_plan(runs, runner.store)

    results = [runner.run(each, forks=plan.forks) for each in runs]

    assert plan.distinct_steps == 12 + len(runs) * 28 == runner.steps_trained
    assert len({result.stages[0] for result in results}) == 1
    assert len({result.metrics["test/loss/total"] for result in results}) == len(runs)
    assert results[3].history == home(tmp_path / "alone").run(runs[3]).history


class Looking(AbstractModel):
    """Reads digits by the name of an argument."""

    kind: Literal["test_looking"] = "test_looking"

    def build(self, outputs: int) -> nn.Module:
        return _Looking(outputs)


class _Looking(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(64, 8)])
        self.output = nn.Linear(8, outputs)

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.output(self.hidden[0](pixels).tanh())
        return logits


class AnyDigits(AbstractTask):
    """Digits that lie somewhere: in a tensor, by name, or in a source."""

    kind: Literal["test_any_digits"] = "test_any_digits"
    place: str

    def load(self, folder: Path | None) -> TaskData:
        data = Digits(classes=self.classes).load(None)
        places: dict[str, Callable[[Tensor], Any]] = {
            "tensor": lambda inputs: inputs,
            "name": lambda inputs: {"pixels": inputs},
            "file": lambda inputs: file_of(inputs, folder or Path()),
        }
        train, validation, test = (
            replace(split, inputs=places[self.place](split.inputs))
            for split in (data.train, data.validation, data.test)
        )
        return replace(data, train=train, validation=validation, test=test)


def file_of(inputs: Tensor, folder: Path) -> NpyFile:
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, inputs.numpy())
    return NpyFile(path)


@pytest.mark.parametrize("memory", [Herding(size=12, tap="hidden.0", per_batch=6), LargestLoss(size=12, per_batch=6)])
def test_it_does_not_matter_where_examples_lie(memory: AbstractMemory, run: RunConfig, tmp_path: Path) -> None:
    histories = []
    for place in ("tensor", "name", "file"):
        task = AnyDigits(place=place, classes=run.task.classes, hidden=run.task.hidden)
        config = remembering(run.model_copy(update={"task": task, "model": Looking()}), memory, losses=DARK)
        histories.append(retrain(config, {}, tmp_path).history)

    assert all(history == histories[0] for history in histories)


def test_a_run_that_rehearses_is_retrained_to_the_bit(run: RunConfig, runner: Runner) -> None:
    memory = Herding(size=9, tap="hidden.0", per_batch=4)
    config = remembering(run, memory, losses=DARK, nearest_mean="hidden.1")
    result = runner.run(config)

    again = retrain(config, {})

    assert again.history == result.history
    assert again.snapshot == read_snapshot_files(stage_folder(runner.store.root, result.stages[-1]))


HERDING = {"kind": "herding", "size": 9, "tap": "hidde.0"}
DARK_ALONE = {"classes": {"kind": "joint_cross_entropy"}, "dark": {"kind": "dark_experience"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"memory": HERDING}, "no tap 'hidde.0' in .*Did you mean 'hidden.0'"),
        ({"memory": "all_examples", "replay": 0.5}, "memory: expected a memory or replay=0.5, found both"),
        ({"nearest_mean": "hidden.0"}, "a memory whose examples have means at 'hidden.0', found none"),
        ({"nearest_mean": "hiden.0", "memory": "all_examples"}, "no tap 'hiden.0' in .*Did you mean 'hidden.0'"),
        ({"losses": DARK_ALONE}, "from which the loss 'dark' reads, found none"),
        (
            {"losses": DARK_ALONE, "memory": {"kind": "reservoir", "size": 9}},
            "a fraction or per_batch, from which the loss 'dark' reads, found 'reservoir' without either",
        ),
    ],
)
def test_a_memory_that_cannot_work_is_refused_in_one_line(
    changes: dict[str, Any], message: str, run: RunConfig, runner: Runner
) -> None:
    with pytest.raises(HarnessError, match=message) as refused:
        runner.check(with_changes(run, {f"training.{name}": value for name, value in changes.items()}))

    assert "\n" not in str(refused.value)


def test_what_is_added_to_batches_costs_operations(run: RunConfig, runner: Runner) -> None:
    flops = {size: runner.run(remembering(run, RandomExamples(size=size, per_batch=16))) for size in (0, 16)}

    more = flops[16].metrics["cost/flops"] / flops[0].metrics["cost/flops"]
    assert more == pytest.approx(1 + 0.5 * 28 / 40, rel=0.1)
