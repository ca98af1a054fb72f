"""Methods of the field as runs: they are retrained, and go on from the middle, to the bit."""

from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.core.spec import with_changes
from harness.data import Digits
from harness.growth import (
    AbstractOperation,
    AddBranch,
    AddCascadeUnit,
    AnswerByCosines,
    AtStep,
    CorrectBias,
    GrowthRule,
    NoFreezing,
    RemoveBranch,
    WidenHead,
    WidenLayer,
)
from harness.growth.triggers import Threshold
from harness.growth.units import GradMaxUnits
from harness.initializers import Imprint
from harness.losses import JointCrossEntropy, LessForget, MarginRanking
from harness.staging.histories import stage_folder
from harness.staging.retrain import retrain
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot_files import read_snapshot_files
from harness.training.memory import Herding, RandomExamples
from harness.training.natural_expansion import NaturalExpansion

WIDER = WidenLayer(path="hidden.0.linear", by=2, method=GradMaxUnits())


def at(step: int, operation: AbstractOperation, **changes: Any) -> GrowthRule:
    return GrowthRule(trigger=AtStep(step=step), operation=operation, freeze=NoFreezing(), **changes)


def grown(run: RunConfig, *rules: GrowthRule, start: tuple[AbstractOperation, ...] = (), **training: Any) -> RunConfig:
    task = Digits(classes={"known": (0, 1, 2, 3, 4, 5)}, hidden=())
    every = {"task": task, "growths": rules, "start": start, "training": run.training.model_copy(update=training)}
    return RunConfig.model_validate({**dict(run), **every})


def corrected(run: RunConfig) -> RunConfig:
    """Return a run with bias correction (BiC)."""
    rows = at(16, WidenHead(path="output", to=10), reveals=(6, 7, 8, 9))
    memory = RandomExamples(size=60, held_out=0.2)
    return grown(run, rows, at(32, CorrectBias(path="output", first=6)), memory=memory)


def cosines(run: RunConfig) -> RunConfig:
    """Return a run of LUCIR."""
    rows = WidenHead(path="output.cosines", to=10, new_rows=Imprint())
    losses = {
        "classes": JointCrossEntropy(),
        "forget": LessForget(tap="hidden.1"),
        "margin": MarginRanking(tap="output.cosines"),
    }
    arrival = at(16, rows, reveals=(6, 7, 8, 9), keep_teacher=True)
    start, memory = (AnswerByCosines(path="output"),), Herding(size=60, tap="hidden.1")
    return grown(run, arrival, start=start, losses=losses, memory=memory)


def cascades(run: RunConfig) -> RunConfig:
    """Return a run of cascade correlation."""
    units = (AddCascadeUnit(name=name, reader="output", candidates=3, steps=20) for name in ("first", "second"))
    return grown(run, *(at(step, unit) for step, unit in zip((12, 32), units, strict=True)))


def expanding(run: RunConfig) -> RunConfig:
    """Return a run that grows when its natural expansion score says so (SENN)."""
    rule = GrowthRule(trigger=Threshold(metric="val/expansion/wider", above=1.0), operation=WIDER, freeze=NoFreezing())
    return grown(run, rule, record_expansions={"wider": NaturalExpansion(operation=WIDER, examples=16)})


def branched(run: RunConfig) -> RunConfig:
    """Return a run in which a branch comes and leaves."""
    return grown(run, at(12, AddBranch(name="second", readers=("output",))), at(32, RemoveBranch(name="second")))


MADE = [corrected, cosines, cascades, expanding, branched]


@pytest.mark.parametrize("make", MADE, ids=lambda make: str(make.__name__))
def test_going_on_from_the_middle_it_is_what_it_is_in_one_go_to_the_bit(
    make: Any, digits_run: RunConfig, runner: Runner
) -> None:
    config = make(digits_run)
    for steps in (26, 36):  # between two growths, and after the last one
        runner.run(with_changes(config, {"steps": steps, "growths": [r.to_json() for r in _before(config, steps)]}))

    resumed = runner.run(config)
    again = retrain(config, {})

    assert runner.steps_trained == 40
    assert resumed.history == again.history
    assert read_snapshot_files(stage_folder(runner.store.root, resumed.stages[-1])) == again.snapshot


def _before(config: RunConfig, steps: int) -> list[GrowthRule]:
    return [rule for rule in config.growths if (rule.trigger.only_step or 0) < steps]


def test_a_correction_without_held_out_examples_is_refused_in_one_line(digits_run: RunConfig) -> None:
    config = corrected(digits_run)

    with pytest.raises(HarnessError, match=r"growths\.1\.operation: expected examples that are held out") as found:
        with_changes(config, {"training.memory.held_out": 0.0})

    assert "\n" not in str(found.value)
