"""Losses that keep a state, over arrivals and growths: stopped, forked, reproduced and packed."""

import itertools
from pathlib import Path

import pytest

from harness.core.errors import InterruptedRunError
from harness.core.spec import with_changes
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, OldParameters, Unchanged, WidenLayer
from harness.growth.freezing import NoFreezing, WarmUpThenThaw
from harness.losses import (
    ElasticWeightConsolidation,
    JointCrossEntropy,
    MemoryAwareSynapses,
    SynapticIntelligence,
)
from harness.models import MLP
from harness.staging.reproduce import read_recorded, reproduce
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.training.config import TrainingConfig
from harness.training.loop import StageLoop

PENALTIES = ("ewc", "online", "si", "mas")


@pytest.fixture
def run() -> RunConfig:
    """A run of even and odd digits in three parts, with a wider layer in between; nothing old is seen again."""
    return RunConfig(
        task=Digits(classes={"parity": ((0, 2, 4, 6), (1, 3, 5, 7)), "late": (8, 9)}, hidden=(4, 5, 6, 7)),
        model=MLP(inputs=64, widths=(12, 8), dropout=0.1),
        training=TrainingConfig(
            batch_size=32,
            replay=0.0,
            evaluate_every=10,
            losses={
                "classes": JointCrossEntropy(),
                "ewc": ElasticWeightConsolidation(examples=8, weight=10.0),
                "online": ElasticWeightConsolidation(fisher="empirical", examples=8, decay=0.9, weight=10.0),
                "si": SynapticIntelligence(weight=1.0),
                "mas": MemoryAwareSynapses(examples=8, weight=0.1),
            },
        ),
        growths=(
            GrowthRule(trigger=AtStep(step=10), operation=Unchanged(), freeze=NoFreezing(), reveals=(4, 5, 6, 7)),
            GrowthRule(
                trigger=AtStep(step=15), operation=WidenLayer(path="hidden.0.linear", by=4), freeze=NoFreezing()
            ),
            GrowthRule(
                trigger=AtStep(step=20),
                operation=AttachHead(name="late", outputs=2, tap="hidden.1"),
                freeze=WarmUpThenThaw(steps=4),
            ),
        ),
        steps=30,
        device="cpu",
        precision="fp32",
    )


def runner_in(home: Path) -> Runner:
    return Runner(Workspace(home).create())


def test_a_run_that_is_stopped_anywhere_ends_as_one_that_is_not(tmp_path: Path, run: RunConfig) -> None:
    through, stopped = runner_in(tmp_path / "through").run(run), runner_in(tmp_path / "stopped")
    for asked in (13, 10):  # before the layer becomes wider, and while a part is frozen
        seen = itertools.count()
        stopped.stop = lambda seen=seen, asked=asked: next(seen) >= asked  # type: ignore[misc]
        with pytest.raises(InterruptedRunError):
            stopped.run(run)
    stopped.stop = lambda: False

    result = stopped.run(run)

    assert result.history == through.history
    assert [result.history[f"train/loss/{name}"].steps[0] for name in PENALTIES] == [11, 11, 11, 11]


def test_a_fork_goes_on_from_the_state_of_the_trunk_and_is_reproduced_alone(tmp_path: Path, run: RunConfig) -> None:
    shared, other = runner_in(tmp_path / "shared"), with_changes(run, {"growths.2.freeze": OldParameters()})
    shared.run(run)
    trained = shared.steps_trained

    result = shared.run(other)

    assert shared.steps_trained - trained == 10
    assert reproduce(other, read_recorded(tmp_path / "shared" / "store", result.stages)) is None


def test_penalties_hold_what_was_learned(runner: Runner, run: RunConfig) -> None:
    strong = {"ewc": 1e4, "online": 1e4, "si": 1e3, "mas": 100.0}
    weights = {f"training.losses.{name}.weight": weight for name, weight in strong.items()}
    times = {"growths.0.trigger.step": 100, "steps": 200, "training.optimizer.lr": 0.01}
    longer = with_changes(run, {**times, **weights}, without=["growths.1", "growths.2"])
    free = with_changes(longer, {}, without=[f"training.losses.{name}" for name in PENALTIES])

    kept, lost = (runner.run(each).metrics["val/accuracy_by_arrival/0"] for each in (longer, free))

    assert kept > lost + 0.1


def test_such_a_run_trains_alone(runner: Runner, run: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    signatures: list[object] = []
    finish = StageLoop.finish

    def asked(loop: StageLoop) -> object:
        signatures.append(loop.signature)
        return finish(loop)

    monkeypatch.setattr(StageLoop, "finish", asked)
    runner.run(with_changes(run, {"steps": 12}, without=["growths.1", "growths.2"]))

    assert signatures == [None] * 2


def test_runs_share_all_before_the_first_growth_whatever_holds_them_then(tmp_path: Path, run: RunConfig) -> None:
    classes = {"classes": {"kind": "joint_cross_entropy"}}
    held = [
        {},
        {"held": {"kind": "elastic_weight_consolidation", "examples": 8, "weight": 10.0}},
        {"held": {"kind": "elastic_weight_consolidation", "examples": 4}},
        {"held": {"kind": "memory_aware_synapses", "examples": 8}},
        *({"held": {"kind": "synaptic_intelligence", "weight": weight}} for weight in (0.1, 5.0)),
    ]
    runs = [with_changes(run, {"training.losses": classes | each}) for each in held]
    shared = runner_in(tmp_path / "shared")

    together = [shared.run(each).history for each in runs]
    alone = [Runner(Workspace(tmp_path / "alone").create(), alone=True).run(each).history for each in runs]

    assert together == alone
    assert len({str(history) for history in together}) == len(runs)
    assert shared.steps_trained == 2 * 10 + len(runs) * 20  # those that follow updates have a trunk of their own
