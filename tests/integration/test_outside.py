"""A study in a folder outside this repository, with a model, task, operation, trigger and loss of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import harness
from harness.staging.ledger import Ledger
from harness.staging.store import Store

ROOT = Path(harness.__file__).parents[1]
IN_TURN = (str(Path(__file__).with_name("in_turn.py")),)
UNDRAWN = (str(ROOT / "tests" / "undrawn.py"),)
STUDY = '''
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from harness.data import AbstractTask, Split, TaskData
from harness.growth import AbstractOperation, AbstractTrigger, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.losses import AbstractLoss, JointCrossEntropy
from harness.models import AbstractModel
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


class Rings(AbstractTask):
    """Which of four rings a point lies on."""

    kind: Literal["rings"] = "rings"

    def load(self, folder: Path | None) -> TaskData:
        generator = torch.Generator().manual_seed(5)
        parts = []
        for count in (400, 200, 200):
            labels = torch.arange(count) % 4
            angles = torch.rand(count, generator=generator) * 6.28
            radii = labels + 1 + 0.2 * torch.randn(count, generator=generator)
            parts.append(Split(torch.stack([radii * angles.cos(), radii * angles.sin()], 1), labels))
        return TaskData(*parts, self.classes)


class Radial(AbstractModel):
    kind: Literal["radial"] = "radial"
    units: int = 8

    def build(self, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(2, self.units), nn.Tanh(), nn.Linear(self.units, outputs))


class LateHead(AttachHead):
    kind: Literal["late_head"] = "late_head"


class WhenOdd(AbstractTrigger):
    """Fires at the first evaluation after `after` steps."""

    kind: Literal["when_odd"] = "when_odd"
    after: int

    def begin(self):
        return 0

    def observe(self, memory, progress):
        seen = memory + int(progress.evaluated)
        return seen, progress.evaluated and progress.step >= self.after


class Shrinking(AbstractLoss):
    kind: Literal["shrinking"] = "shrinking"

    def components(self, name, batch):
        return {name: sum(output.square().mean() for output in batch.outputs.values())}


def study() -> Study:
    growth = GrowthRule(
        trigger=WhenOdd(after=200), operation=LateHead(name="outer", outputs=2, tap="1"), freeze=NoFreezing()
    )
    return Study(
        name="rings",
        title="Rings",
        question="Should the inner rings stand still?",
        base=RunConfig(
            task=Rings(classes={"inner": (0, 1), "outer": (2, 3)}),
            model=Radial(),
            training=TrainingConfig(
                evaluate_every=50, losses={"classes": JointCrossEntropy(), "small": Shrinking(weight=0.01)}
            ),
            growths=(growth,),
            steps=400,
        ),
        space={"when": Int(field="growths.0.trigger.after", low=100, high=300, step=100)},
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=2,
        seeds=1,
    )
'''


def begin(folder: Path, *arguments: str, command: tuple[str, ...] = ("-m", "harness")) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def call(folder: Path, *arguments: str, command: tuple[str, ...] = ("-m", "harness")) -> str:
    process = begin(folder, *arguments, command=command)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
def test_a_study_of_ones_own_runs_resumes_shares_and_is_reproduced(tmp_path: Path) -> None:
    (tmp_path / "rings").mkdir()
    (tmp_path / "rings" / "study.py").write_text(STUDY)
    home, ledger = tmp_path / "runs", Ledger(tmp_path / "runs")
    killed = begin(tmp_path, "run", "rings", "--no-tracking")
    while killed.poll() is None and not list((home / "store").rglob("state.safetensors")):
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    left = len(ledger.runs("rings"))

    call(tmp_path, "run", "rings", "--no-tracking", "--workers", "2", command=UNDRAWN)

    shared = ledger.runs("rings")
    assert left < len(shared) == 4
    assert [run.reason for run in shared if run.status != "completed"] == []
    assert {run.growths[0]["step"] for run in shared} <= {100, 200, 300}
    assert shared[0].stages[0] == shared[1].stages[0]
    assert len({entry.address.key for entry in Store(home / "store", ledger).entries()}) == 2 + 4
    assert (home / "reports" / "rings" / "report.html").is_file()
    best = ["best", "rings", "--export", "best.py"]
    again = ["reproduce", "rings", "then", *best, "then", "run", "best.py", "--no-tracking"]
    assert "PASS" in call(tmp_path, *again, command=IN_TURN)
    trained = [run.stages for run in ledger.runs("rings-best")]
    assert trained in ([run.stages for run in shared[:2]], [run.stages for run in shared[2:]])
