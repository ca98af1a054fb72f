"""A study whose models hang, leave, or take all memory: each is one outcome, and the study goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.staging.ledger import Ledger, RunRecord

ROOT = Path(harness.__file__).parents[1]
UNREPORTED = str(Path(__file__).with_name("unreported.py"))
STUDY = '''
import os
import signal
import sys
import time
from typing import Literal

import torch
from torch import nn

from harness.data import Digits
from harness.models import AbstractModel
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


def sleep(x):
    while True:
        time.sleep(1)


def leave(x):
    os._exit(7)


def allocate(x):
    """Take memory until the system has enough of it, which is what the signal stands for."""
    taken = [torch.ones(1_000_000) for _ in range(20)]
    os.kill(os.getpid(), signal.SIGKILL)


HOW = {"well": lambda x: x, "sleep": sleep, "leave": leave, "allocate": allocate}


class Trouble(nn.Linear):
    """Does what `how` says in its tenth forward pass in training."""

    def __init__(self, outputs, how):
        super().__init__(64, outputs)
        self.how, self.passes = how, 0

    def forward(self, x):
        self.passes += self.training
        return super().forward(HOW[self.how](x) if self.passes == 10 else x)


class Troubled(AbstractModel):
    kind: Literal["troubled"] = "troubled"
    how: str = "well"

    def build(self, outputs: int) -> nn.Module:
        return Trouble(outputs, self.how)


def study() -> Study:
    return Study(
        name="trouble",
        title="Trouble",
        question="Does the study go on?",
        base=RunConfig(
            task=Digits(classes={"known": tuple(range(10))}),
            model=Troubled(),
            training=TrainingConfig(evaluate_every=20),
            steps=20,
            device="cpu",
        ),
        space={},
        arms={how: {"model.how": how} for how in HOW},
        comparison=("well", "sleep"),
        trials=1,
        seeds=1,
    )
'''
BY_SIGKILL = "killed by SIGKILL, as the system does when memory runs out"
DIED = "killed: 4 processes died in the stage that begins at step 0: "


HUNG = "hung: no step for 0.1 minutes ("


def run(folder: Path, *options: str) -> dict[str, RunRecord]:
    command = [sys.executable, UNREPORTED, *options]
    ended = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr[-3000:]  # since runs failed
    return {record.arm: record for record in Ledger(folder / "runs").runs("trouble")}


@pytest.mark.slow
def test_what_hangs_is_one_outcome(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(STUDY.replace("for how in HOW}", "for how in ('well', 'sleep')}"))

    runs = run(tmp_path, "run", "study.py", "--no-tracking", "--timeout", "0.1")

    assert {arm: record.status for arm, record in runs.items()} == {"well": "completed", "sleep": "failed"}
    assert runs["sleep"].reason.startswith(HUNG)


@pytest.mark.campaign
@pytest.mark.slow
def test_what_hangs_leaves_or_takes_all_memory_is_one_outcome_each(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(STUDY)

    found = run(tmp_path, "run", "study.py", "--no-tracking", "--workers", "2", "--timeout", "0.1")

    assert {arm: record.status for arm, record in found.items()} == {
        "allocate": "failed",
        "leave": "failed",
        "sleep": "failed",
        "well": "completed",
    }
    assert found["allocate"].reason == f"{DIED}{BY_SIGKILL} (4 times)"
    assert found["leave"].reason.startswith(f"{DIED}ended with exit code 7 (")
    assert found["sleep"].reason.startswith(HUNG)

    # A worker of another machine watches as well.
    with Ledger(tmp_path / "runs").database.transaction() as transaction:
        transaction.execute("DELETE FROM runs WHERE arm = 'sleep'")
        transaction.execute("DELETE FROM deaths")
    assert run(tmp_path, "worker", "trouble", "--timeout", "0.1") == found
