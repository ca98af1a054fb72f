import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import harness as h
from harness.api.exporting import export_run
from harness.api.exporting._base import FinalNetwork
from harness.api.exporting.torch_program import TorchProgram
from harness.core.answers import JOINT, ClassAnswers
from harness.core.errors import HarnessError, InputError
from harness.core.spec import with_changes
from harness.search.launch import launch
from harness.search.load import load_study
from harness.search.observer import Observer
from harness.staging.eviction import evict_to
from harness.staging.histories import read_answers, stage_folder
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.runner import Runner
from harness.staging.snapshot_files import read_snapshot_files
from harness.staging.snapshot_format import SnapshotFile
from harness.staging.workspace import Workspace
from harness.training.average import EMA

ROOT = Path(h.__file__).parents[1]
RUN = "own/0/unfrozen/0"
STUDY = """
from typing import Literal

from torch import Tensor, nn

from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import AbstractModel
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


class Own(AbstractModel):
    kind: Literal["own_to_export"] = "own_to_export"

    def build(self, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, outputs))


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=20), operation=AttachHead(name="late", outputs=4, tap="2", width=5), freeze=NoFreezing()
    )
    return Study(
        name="own",
        title="t",
        question="q?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=Own(),
            training=TrainingConfig(evaluate_every=20),
            growths=(growth,),
            steps=40,
        ),
        space={},
        arms={"unfrozen": {}, "frozen": {"growths.0.freeze": OldParameters()}},
        comparison=("unfrozen", "frozen"),
        trials=1,
        seeds=1,
    )
"""


@pytest.fixture(scope="session")
def study_file(made_once: Any) -> Path:
    """A file with a study and a network of its own."""
    folder: Path = made_once("own-study", lambda folder: (folder / "study.py").write_text(STUDY))
    return folder / "study.py"


@pytest.fixture(scope="session")
def home(made_once: Any, study_file: Path) -> Path:
    """A home in which it was run."""

    def run(folder: Path) -> None:
        launch(load_study(study_file), Runner(Workspace(folder).create()), Observer(), file=study_file)

    folder: Path = made_once("own-home", run)
    load_study(study_file)
    return folder


def record_in(home: Path) -> RunRecord:
    return next(run for run in Ledger(home).runs("own") if run.arm == "unfrozen")


def called_by_card(folder: Path) -> str:
    """Execute the lines of the card in a process of its own, and return the shapes of the outputs."""
    found = re.search("```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert found is not None
    assert len(found[1].splitlines()) <= 7
    lines = found[1] + "\nprint({name: tuple(value.shape) for name, value in outputs.items()})"
    environment = {"PYTHONPATH": str(ROOT), "HF_MODULES_CACHE": str(folder / "modules")}
    command = [sys.executable, "-c", lines]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "to",
    [
        "safetensors",
        pytest.param("torch", marks=pytest.mark.campaign),
        pytest.param("onnx", marks=pytest.mark.campaign),
        pytest.param("hf", marks=pytest.mark.campaign),
    ],
)
def test_the_lines_of_the_card_load_what_was_written(home: Path, tmp_path: Path, to: str) -> None:
    card = h.export(RUN, tmp_path / "network", to=to, home=home)

    assert card == tmp_path / "network" / "README.md"
    assert called_by_card(card.parent) == "{'known': (2, 6), 'late': (2, 4)}\n"


def test_an_onnx_model_answers_as_the_network_did(home: Path, tmp_path: Path) -> None:
    card = h.export(RUN, tmp_path / "network", to="onnx", home=home)

    assert (tmp_path / "network" / "network.onnx").is_file()
    assert re.search(r"differ by at most \d\.\de", card.read_text())


def test_the_card_says_what_the_network_is_and_where_it_comes_from(home: Path, tmp_path: Path) -> None:
    record = record_in(home)

    card = h.export(record.run_id[:8], tmp_path / "network", to="safetensors", home=home).read_text()

    assert "# own, trial 0, unfrozen, seed 0" in card
    assert "which grew once" in card
    assert f"`{record.run_id}`" in card
    assert f"| `test/accuracy/all` | {record.metrics['test/accuracy/all']:.6g} |" in card
    assert '"kind": "attach_head"' in card
    assert "| input `inputs` | float32 | [64] |" in card
    assert "`training.batch_size`" in card
    assert "git commit" in card


def test_weights_are_those_of_the_snapshot_and_of_mlflow_byte_for_byte(home: Path, tmp_path: Path) -> None:
    snapshot = read_snapshot_files(stage_folder(home / "store", record_in(home).stages[-1]))
    assert snapshot is not None

    h.export(RUN, tmp_path / "network", to="safetensors", home=home)

    assert (tmp_path / "network" / "weights.safetensors").read_bytes() == SnapshotFile.parse(snapshot).weights()


@pytest.mark.parametrize("average", [None, EMA(decay=0.8)])
def test_the_network_answers_as_in_its_final_evaluation(study_file: Path, tmp_path: Path, average: EMA | None) -> None:
    study = with_changes(load_study(study_file), {"base.training.average": average})
    workspace = Workspace(tmp_path / "home").create()
    launch(study, Runner(workspace), Observer(), file=study_file)
    record = record_in(tmp_path / "home")
    answers = read_answers(workspace.stages, record.stages[-1])
    test = Runner(workspace).data(study.base).test

    h.export(RUN, tmp_path / "network", to="safetensors", home=tmp_path / "home")
    network = h.load_network(tmp_path / "network")

    outputs = network(test.inputs)
    found = torch.cat([outputs["known"], outputs["late"]], dim=1).argmax(dim=1)
    assert answers is not None
    joint = answers.outputs[JOINT]
    assert isinstance(joint, ClassAnswers)
    assert found.tolist() == joint.answer.tolist()
    assert not network.training


def test_a_network_is_refused_whose_weights_are_others(home: Path, tmp_path: Path) -> None:
    h.export(RUN, tmp_path / "network", to="safetensors", home=home)
    weights = tmp_path / "network" / "weights.safetensors"
    save_file({name: tensor for name, tensor in load_file(weights).items() if "late" not in name}, weights)

    with pytest.raises(InputError, match=r"expected the tensors of this network, found others: 1/heads\.late"):
        h.load_network(tmp_path / "network")


@pytest.mark.parametrize("content", ["", "{}", '{"weights": 3}'])
def test_what_is_no_network_is_refused_in_a_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "network.json").write_text(content)

    with pytest.raises(InputError, match=r"expected a network in .*; write one with harness export"):
        h.load_network(tmp_path)


def test_a_folder_with_something_in_it_is_left_alone(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    with pytest.raises(InputError, match=r"expected no folder at .*, or an empty one"):
        h.export(RUN, tmp_path, home=home)

    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_network_that_answers_otherwise_is_not_left_behind(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(TorchProgram):  # type: ignore[misc]
        def write(self, network: FinalNetwork, folder: Path) -> None:
            (folder / "network.pt2").write_bytes(network.weights)

        def outputs(self, network: FinalNetwork, folder: Path) -> dict[str, torch.Tensor]:
            assert (folder / "network.pt2").is_file()
            return {name: value + 1 for name, value in network.outputs.items()}

    monkeypatch.setattr(export_run, "FORMATS", {"torch": Wrong()})

    with pytest.raises(HarnessError, match="expected the written network to answer as the run's"):
        h.export(RUN, tmp_path / "network", home=home)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("run", "to", "said"),
    [
        (RUN, "onx", "no format 'onx'. Did you mean 'onnx'?"),
        ("own/0/unfrozen/7", "torch", "expected a completed run, such as "),
        ("", "torch", "found 2 that '' could mean"),
    ],
)
def test_what_there_is_not_is_refused(home: Path, tmp_path: Path, run: str, to: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        h.export(run, tmp_path / "network", to=to, home=home)

    assert said in str(error.value)


def test_a_snapshot_that_was_given_up_is_named(study_file: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home").create()
    launch(load_study(study_file), Runner(workspace), Observer(), file=study_file)
    evict_to(workspace.store, 0)

    with pytest.raises(InputError, match="found that it was given up to save space"):
        h.export(RUN, tmp_path / "network", home=tmp_path / "home")
