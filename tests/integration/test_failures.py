"""A study whose runs fail in every way that there is, by one process and by several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.staging.ledger import Ledger, RunRecord

ROOT = Path(harness.__file__).parents[1]
IN_TURN = str(Path(__file__).with_name("in_turn.py"))
STUDY = '''
import sys
from typing import Literal

import torch

from harness.data import Digits
from harness.losses import JointCrossEntropy
from harness.models import MLP
from harness.search.space import Choice
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


class Trouble(JointCrossEntropy):
    """Does what `how` says when it is computed the fifth time in one process."""

    kind: Literal["trouble"] = "trouble"
    how: str = "none"

    def components(self, name, batch):
        losses = super().components(name, batch)
        CALLS.append(self.how)
        if CALLS.count(self.how) % 5 == 0:
            return {head: TROUBLES[self.how](loss) for head, loss in losses.items()}
        return losses


def exhausts(loss):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")


def raises(loss):
    raise ValueError("no\\nluck")


CALLS = []
TROUBLES = {
    "none": lambda loss: loss,
    "raises": raises,
    "exits": lambda loss: sys.exit(3),
    "exhausts": exhausts,
    "diverges": lambda loss: loss * float("nan"),
}


def study() -> Study:
    return Study(
        name="trouble",
        title="Trouble",
        question="Does the study go on?",
        base=RunConfig(
            task=Digits(classes={"known": tuple(range(10))}),
            model=MLP(inputs=64, widths=(8,)),
            training=TrainingConfig(evaluate_every=20, losses={"classes": Trouble()}),
            steps=20,
        ),
        space={},
        arms={how: {"training.losses.classes.how": how} for how in TROUBLES},
        comparison=("none", "raises"),
        trials=1,
        seeds=1,
    )
'''
REASONS = {
    "raises": "raised ValueError: no luck (study.py, line ",
    "exits": "called sys.exit(3)",
    "exhausts": "out of memory: CUDA out of memory. Tried to allocate 20 GiB",
    "diverges": "diverged: ",
}


def run(folder: Path, *options: str, text: str = STUDY) -> dict[str, RunRecord]:
    (folder / "study.py").write_text(text)
    return call(folder, "run", "study.py", "--no-tracking", *options, code=int(text == STUDY))


def call(folder: Path, *arguments: str, code: int = 0) -> dict[str, RunRecord]:
    command = [sys.executable, IN_TURN, *arguments]
    ended = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == code, ended.stderr[-3000:]
    return {record.arm: record for record in Ledger(folder / "runs").runs("trouble")}


@pytest.mark.slow
def test_runs_that_fail_are_outcomes_and_can_be_tried_again(tmp_path: Path) -> None:
    found = run(tmp_path, "then", "worker", "trouble")  # which finds that nothing is left to do

    assert found["none"].status == "completed"
    for arm in found.keys() - {"none"}:
        assert (found[arm].status, found[arm].reason[: len(REASONS[arm])]) == ("failed", REASONS[arm])
    assert len(found) == 5
    well = run(tmp_path, "--retry-failed", text=STUDY.replace("% 5 == 0", "< 0"))
    assert {record.status for record in well.values()} == {"completed"}
    assert well["none"] == found["none"]


@pytest.mark.campaign
@pytest.mark.slow
def test_workers_tell_the_same(tmp_path: Path) -> None:
    found = run(tmp_path, "--workers", "2")

    assert found["none"].status == "completed"
    for arm in found.keys() - {"none"}:
        assert (found[arm].status, found[arm].reason[: len(REASONS[arm])]) == ("failed", REASONS[arm])
    assert len(found) == 5
