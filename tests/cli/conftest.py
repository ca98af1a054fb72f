"""A folder with a tiny study in it, and the command line, called there."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.cli.main import main

STUDY = """
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import MLP
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=20), operation=AttachHead(name="late", outputs=4, tap="hidden.0"), freeze=NoFreezing()
    )
    return Study(
        name="tiny",
        title="A tiny study",
        question="Should the trunk stay frozen?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(8,)),
            training=TrainingConfig(evaluate_every=20),
            growths=(growth,),
            steps=40,
        ),
        space={"when": Int(field="growths.0.trigger.step", low=10, high=30, step=10)},
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=2,
        seeds=1,
    )
"""
ROOT = Path(harness.__file__).parents[1]
UNDRAWN = str(ROOT / "tests" / "undrawn.py")

Ended = subprocess.CompletedProcess[str]


def make_workplace(folder: Path) -> Path:
    (folder / "studies" / "tiny").mkdir(parents=True)
    (folder / "studies" / "tiny" / "study.py").write_text(STUDY)
    return folder


def python(*arguments: str, cwd: Path) -> Ended:
    """Run Python in a process of its own, with this package and none of the user's settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "MLFLOW_"))}
    environment = own | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands are called; a study named `tiny` lies there."""
    monkeypatch.chdir(make_workplace(tmp_path))
    monkeypatch.delenv("HARNESS_HOME", raising=False)
    monkeypatch.delenv("HARNESS_DATA_DIR", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


@pytest.fixture
def call(
    workplace: Path,  # noqa: ARG001  # nothing may be written elsewhere
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Ended]:
    """Call `harness` with arguments, in this process."""

    def ended(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Ended(list(arguments), end.value.code, said.out, said.err)

    return ended


@pytest.fixture
def process(workplace: Path) -> Callable[..., Ended]:
    """Call `python` with arguments, in a process of its own."""
    return lambda *arguments: python(*arguments, cwd=workplace)


@pytest.fixture(scope="session")
def first_run(made_once: Callable[..., Path], new_database: Callable[[Path], str]) -> tuple[Path, Ended]:
    """A folder in which `harness run tiny` was called once, to be read only, and how that ended."""

    def run(folder: Path) -> None:
        new_database(make_workplace(folder) / "runs")
        ended = python(UNDRAWN, "run", "tiny", cwd=folder)
        (folder / "ended.json").write_text(json.dumps([ended.returncode, ended.stdout, ended.stderr]))

    folder = made_once("workplace", run)
    return folder, Ended(["harness", "run", "tiny"], *json.loads((folder / "ended.json").read_text()))


@pytest.fixture(scope="session", autouse=True)
def _reports_written_once(reports_written_once: None) -> None:
    """Write each report once."""


@pytest.fixture(autouse=True)
def _undrawn(figures_undrawn: None) -> None:
    """Draw no figure: commands are tested here."""
