"""Mistakes that are likely, and the exact line that each ends with; the tables lie beside this file.

In `study_files.toml` and `own_parts.toml` a mistake is a change of a study that works: `before` becomes `after`. In
`commands.toml` it is what is typed, in `python.toml` and `data.toml` code of one's own loop or task.
"""

import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import harness.data
import harness.growth
from harness.cli.main import main
from harness.core import spec
from harness.core.errors import InputError
from harness.search.check import check_study
from harness.search.load import load_study
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from tests.messages.tiny import STUDY

FOLDER = Path(__file__).parent
TABLES = {path.stem: tomllib.loads(path.read_text())["mistake"] for path in sorted(FOLDER.glob("*.toml"))}
FEWEST = 60
RAW = ("0x", "Input should", "pydantic", "Traceback", "type=", "\n")
IMPORTS = """
import torch
from typing import Literal
from torch import Tensor, nn
from harness.data import AbstractTask, Split, TaskData
from harness.growth import AbstractOperation
from harness.growth.triggers import AbstractTrigger
from harness.initializers import AbstractInitializer
from harness.losses import AbstractLoss
from harness.metrics import AbstractMetric
from harness.models import AbstractModel
"""


def of(table: str) -> list[Any]:
    return [pytest.param(mistake, id=mistake["name"]) for mistake in TABLES[table]]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner that has read its data once."""
    return Runner(Workspace(tmp_path_factory.mktemp("home")).create())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which one works."""
    (tmp_path / "studies" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for variable in ("HARNESS_HOME", "HARNESS_DATA_DIR", "HARNESS_STORAGE", "HARNESS_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def _kinds_of_harness_alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no message name the kinds that other tests define."""
    leaves = spec._leaves
    modules = ("harness.", *(["study_tiny"] if "part_of_ones_own" in request.node.name else []))
    others = "harness.benchmarks."

    def own(family: type[spec.LeafSpec]) -> Iterator[type[Any]]:
        named = ((leaf, leaf.__module__) for leaf in leaves(family))
        yield from (leaf for leaf, module in named if module.startswith(modules) and not module.startswith(others))

    monkeypatch.setattr(spec, "_leaves", own)


def refusal(act: Callable[[], object]) -> str:
    """Return the line of an error, with HERE for the folder in which one works."""
    with pytest.raises(InputError) as refused:
        act()
    return str(refused.value).replace(str(Path.cwd()), "HERE")


def changed(mistake: Mapping[str, str]) -> str:
    assert STUDY.count(mistake["before"]) >= 1
    return STUDY.replace(mistake["before"], mistake["after"])


def checked(file: Path, source: str, runner: Runner, *, run: bool = False) -> None:
    file.write_text(source)
    study = load_study(file)
    check_study(study, runner)
    if run:
        runner.run(study.laid_over({}, {"growths.0.trigger.step": 10, "steps": 12}))


def test_there_are_enough_of_them_and_no_line_is_raw() -> None:
    mistakes = [mistake for table in TABLES.values() for mistake in table]

    assert len(mistakes) >= FEWEST
    assert len({mistake["name"] for mistake in mistakes}) == len(mistakes)
    assert [mistake["line"] for mistake in mistakes if any(raw in mistake["line"] for raw in RAW)] == []


@pytest.mark.parametrize("mistake", of("study_files"))
def test_a_mistake_in_a_study_ends_in_one_line(here: Path, runner: Runner, mistake: Mapping[str, str]) -> None:
    file = here / "studies" / "tiny" / "study.py"

    assert refusal(lambda: checked(file, changed(mistake), runner)) == mistake["line"]


@pytest.mark.parametrize("mistake", of("own_parts"))
def test_a_mistake_in_a_part_of_ones_own_ends_in_one_line(
    here: Path, runner: Runner, mistake: Mapping[str, str]
) -> None:
    file = here / "studies" / "tiny" / "study.py"
    source = IMPORTS + mistake["part"] + changed(mistake)

    assert refusal(lambda: checked(file, source, runner, run=True)) == mistake["line"]


@pytest.mark.parametrize("mistake", of("commands"))
def test_a_mistake_in_a_command_ends_in_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mistake: Mapping[str, Any]
) -> None:
    (here / "studies" / "tiny" / "study.py").write_text(STUDY)
    monkeypatch.setattr(sys, "argv", ["harness", *mistake["typed"]])

    with pytest.raises(SystemExit) as end:
        main()

    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == mistake["line"]


@pytest.mark.parametrize("mistake", of("python"))
def test_a_mistake_in_ones_own_loop_ends_in_one_line(mistake: Mapping[str, str]) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    known = {**vars(harness.growth), "model": model, "optimizer": torch.optim.AdamW(model.parameters()), "nn": nn}

    assert refusal(lambda: exec(mistake["code"], known)) == mistake["line"]


@pytest.mark.parametrize("mistake", of("data"))
def test_a_mistake_in_data_ends_in_one_line(mistake: Mapping[str, str]) -> None:
    known = {**vars(harness.data), "np": np, "x": np.ones((60, 4), np.float32), "y": np.arange(60) % 3, "Path": Path}
    known["arrays"] = lambda **arrays: np.savez("a.npz", **arrays)
    known["load"] = lambda **fields: harness.data.load_task(
        harness.data.Arrays(
            **{
                "path": "a.npz",
                "sha256": harness.data.sha256_of("a.npz"),
                "classes": {"all": (0, 1, 2)},
                **fields,
            }
        ),
        None,
    )

    assert refusal(lambda: exec(mistake["code"], known)) == mistake["line"]
