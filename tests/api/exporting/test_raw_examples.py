"""Who has only the folder of a network gives raw examples and gets predictions in words and units of the data."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import harness as h
from harness.core.errors import InputError, SpecError
from harness.data import (
    AbstractTask,
    Digits,
    Normalize,
    Output,
    Parts,
    RawArray,
    Split,
    Table,
    TaskData,
    TaskPreprocessing,
    divide,
    sha256_of,
)
from harness.data.sources import InMemory
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing
from harness.losses import JointCrossEntropy, MeanSquared
from harness.models import MLP, GrowableModel
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.training.config import TrainingConfig

ROOT = Path(h.__file__).parents[1]
TEN = {"all": tuple(range(10))}
FORMATS = ("torch", "safetensors", "onnx", "hf")


def write_plants(folder: Path) -> Path:
    """Write a table of 90 plants: numbers with empty fields, a category, a species of three and a height in cm."""
    draws, path = np.random.default_rng(0), folder / "plants.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(["soil", "width", "weight", "species", "height"])
        for number in range(90):
            species, width = number % 3, draws.normal(5, 2)
            fields = [
                ("wet", "dry")[number % 2],
                f"{width:.3f}",
                "" if number % 11 == 4 else f"{draws.normal(900, 30)}",
            ]
            writer.writerow([*fields, ("oak", "elm", "ash")[species], f"{160 + 20 * species + width:.2f}"])
    return path


def study_of(task: AbstractTask, name: str, inputs: int, *growths: GrowthRule) -> Study:
    losses = {"classes": JointCrossEntropy(), "height": MeanSquared()} if task.outputs else {}
    training = TrainingConfig(evaluate_every=20, **({"losses": losses} if losses else {}))
    return Study(
        name=name,
        title="t",
        question="q?",
        base=RunConfig(task=task, model=MLP(inputs=inputs, widths=(8,)), training=training, growths=growths, steps=40),
        space={},
        arms={"one": {}, "other": {"training.batch_size": 16}},
        comparison=("one", "other"),
        trials=1,
        seeds=1,
    )


def grown(name: str, outputs: int, step: int) -> GrowthRule:
    operation = AttachHead(name=name, outputs=outputs, tap="hidden.0", width=4)
    return GrowthRule(trigger=AtStep(step=step), operation=operation, freeze=NoFreezing())


def table(folder: Path) -> Table:
    path = folder / "plants.csv"
    return Table(
        path=str(path),
        sha256=sha256_of(path),
        inputs=("width", "soil", "weight"),
        categorical=("soil",),
        fill={"weight": "mean"},
        label="species",
        class_names={"species": ("oak", "elm", "ash")},
        classes={"known": (0, 1), "late": (2,)},
        targets={"height": ("height",)},
        outputs={"height": Output(unit="cm")},
        delimiter=";",
    )


@pytest.fixture(scope="session")
def plants(made_once: Any) -> Path:
    """A home in which a network was trained on a table, and the table."""

    def run(folder: Path) -> None:
        write_plants(folder)
        study = study_of(table(folder), "plants", 4, grown("late", 1, 10), grown("height", 1, 20))
        launch(study, Runner(Workspace(folder / "home").create()), Observer())

    folder: Path = made_once("plants", run)
    return folder


def truth_of(plants: Path) -> tuple[TaskData, list[str], list[float], dict[str, float]]:
    """Return the data, species and height of the test part, and the metrics of the run."""
    task, workspace = table(plants), Workspace(plants / "home")
    record = next(run for run in workspace.ledger.runs("plants") if run.arm == "one")
    data = task.load(None)
    names = [task.class_names["species"][label] for label in data.test.labels.tolist()]
    scale = data.scales["height"]
    return data, names, (data.test.targets["height"][:, 0].double() * scale.std + scale.mean).tolist(), record.metrics


def rows_at(made: Tensor, inputs: Tensor) -> list[int]:
    """Return which of the rows that were made each of `inputs` is, to the bit."""
    places = {tuple(row): place for place, row in enumerate(made.tolist())}
    return [places[tuple(row)] for row in inputs.tolist()]


def check_predictions(plants: Path, made: Tensor, predictions: dict[str, list[Any]]) -> None:
    """Compare them with the metrics of the run on its test part."""
    data, species, heights, metrics = truth_of(plants)
    rows = rows_at(made, data.test.inputs)
    hits = [predictions["species"][row] == name for row, name in zip(rows, species, strict=True)]
    errors = [predictions["height"][row] - height for row, height in zip(rows, heights, strict=True)]
    assert sum(hits) / len(hits) == pytest.approx(metrics["test/accuracy/all"])
    assert float(np.sqrt(np.mean(np.square(errors)))) == pytest.approx(metrics["test/rmse/height"], rel=1e-5)


def test_rows_of_a_csv_file_give_the_predictions_of_the_run(plants: Path, tmp_path: Path) -> None:
    h.export("plants/0/one/0", tmp_path / "network", to="safetensors", home=plants / "home")
    network, preprocessing = h.load_network(tmp_path / "network"), h.load_preprocessing(tmp_path / "network")

    inputs = preprocessing.inputs(preprocessing.read(plants / "plants.csv"), torch)
    predictions = preprocessing.predictions(network(inputs))

    check_predictions(plants, inputs, predictions)
    assert set(predictions["species"]) <= {"oak", "elm", "ash"}


@pytest.mark.campaign
@pytest.mark.parametrize("to", FORMATS)
def test_the_lines_of_the_card_read_a_csv_file_where_only_the_folder_is(plants: Path, tmp_path: Path, to: str) -> None:
    card = h.export("plants/0/one/0", tmp_path / "network", to=to, home=plants / "home")
    found = re.search("```python\n(.*?)```", card.read_text(), re.DOTALL)
    assert found is not None
    lines = found[1].replace('"example.csv"', repr(str(plants / "plants.csv")))
    without = "import sys\nsys.modules['harness'] = None\n" * (to in ("torch", "onnx"))
    code = f"{without}{lines}\nimport json\nprint(json.dumps([inputs.tolist(), predictions]))"
    environment = {"PYTHONPATH": str(ROOT), "HF_MODULES_CACHE": str(tmp_path), "PATH": os.environ["PATH"]}

    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=card.parent, env=environment, capture_output=True, text=True, check=True).stdout
    inputs, predictions = json.loads(said.splitlines()[-1])

    check_predictions(plants, torch.tensor(inputs), predictions)


def test_the_card_says_in_tables_what_was_done_to_columns(plants: Path, tmp_path: Path) -> None:
    card = h.export("plants/0/one/0", tmp_path / "network", to="safetensors", home=plants / "home").read_text()
    scale = truth_of(plants)[0].scales["height"]

    assert re.search(r"\| `width` \| \(x - [45]\.\d+\) / [12]\.\d+ \| refused \|", card)
    assert "| `soil` | 1 where it is the category, else 0, for each of dry, wet | refused |" in card
    assert re.search(r"\| `weight` \| \(x - (\d+\.\d+)\) / \d+\.\d+ \| \1 \|", card)
    assert "`;` between the fields of a CSV file" in card
    assert "| `species` | `known`, `late` | the one with the largest value of oak, elm, ash |" in card
    assert f"| `height` | `height` | value * {scale.std:.6g} + {scale.mean:.6g} of height, in cm |" in card
    header, row = (tmp_path / "network" / "example.csv").read_text().splitlines()
    assert header == "width;soil;weight"
    assert row.split(";")[1] == "dry"


def test_of_many_columns_a_card_shows_the_first(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    values = np.random.default_rng(0).normal(size=(30, 50))
    lines = [",".join([*map(str, row), str(number % 2)]) for number, row in enumerate(values)]
    path.write_text("\n".join([",".join([*(f"x{number}" for number in range(50)), "y"]), *lines]))
    names = tuple(f"x{number}" for number in range(50))
    task = Table(path=str(path), sha256=sha256_of(path), inputs=names, label="y", classes={"all": (0, 1)})

    card = exported(study_of(task, "wide", 50), tmp_path).read_text()

    assert "`x19`" in card
    assert "| 30 more | in `preprocessing.json` |" in card
    assert not re.search(r"\| `x20` \|", card)


def exported(study: Study, folder: Path) -> Path:
    """Run a study, and return the card of a network."""
    launch(study, Runner(Workspace(folder / "home").create()), Observer())
    return h.export(f"{study.name}/0/one/0", folder / "network", to="safetensors", home=folder / "home")


class OwnPixels(AbstractTask):
    """Bytes of Digits, normalized by a source."""

    kind: Literal["own_pixels_to_export"] = "own_pixels_to_export"

    def load(self, folder: Path | None) -> TaskData:
        digits = Digits(classes=TEN).load(folder).train
        pixels = InMemory((digits.inputs * 16).to(torch.uint8), Normalize(scale=16))
        return divide(Split(pixels, digits.labels), Parts(), self.classes)


class OwnWords(AbstractTask):
    """The same in memory, without a word on how."""

    kind: Literal["own_words_to_export"] = "own_words_to_export"

    def load(self, folder: Path | None) -> TaskData:
        digits = Digits(classes=TEN).load(folder).train
        return divide(Split(digits.inputs, digits.labels), Parts(), self.classes)


class OwnTold(AbstractTask):
    """The same, with what is needed."""

    kind: Literal["own_told_to_export"] = "own_told_to_export"
    shape: int = 64

    def load(self, folder: Path | None) -> TaskData:
        return OwnWords(classes=self.classes).load(folder)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing | None:
        del folder
        names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
        pixels = RawArray((8, 8), "uint8", (self.shape,), scale=16)
        return TaskPreprocessing(pixels, label="word", class_names={"labels": names})


@pytest.mark.parametrize("task", [OwnPixels(classes=TEN), OwnTold(classes=TEN)])
def test_a_task_of_ones_own_says_how_its_inputs_are_made(task: AbstractTask, tmp_path: Path) -> None:
    card = exported(study_of(task, "own-task", 64), tmp_path)
    preprocessing, test = h.load_preprocessing(card.parent), task.load(None).test.take(torch.arange(9)).inputs
    assert isinstance(preprocessing.raw, RawArray)

    made = preprocessing.inputs((test * 16).to(torch.uint8).reshape(-1, *preprocessing.raw.stored), torch)

    assert torch.equal(made, test)
    assert "Each number becomes x / 16." in card.read_text()


def test_the_card_says_where_only_the_code_of_a_task_knows_its_inputs(tmp_path: Path) -> None:
    card = exported(study_of(OwnWords(classes=TEN), "own-words", 64), tmp_path)

    assert "is known to the code of the task `own_words_to_export` alone" in card.read_text()
    assert "inputs = torch.zeros((2, 64), dtype=torch.float32)" in card.read_text()
    outputs = h.load_network(card.parent)(torch.zeros(2, 64))
    assert h.load_preprocessing(card.parent).predictions(outputs) == {"label": outputs["all"].argmax(1).tolist()}


def test_a_task_that_makes_other_inputs_than_it_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"to make inputs inputs torch.float32 \[64\], found RuntimeError"):
        exported(study_of(OwnTold(classes=TEN, shape=63), "own-other", 64), tmp_path)


class Sum(nn.Module):
    """Takes a mapping."""

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return batch["ids"] + batch["mask"]


@pytest.mark.campaign
def test_a_network_that_takes_no_names_gets_them_as_one_mapping_from_transformers() -> None:
    from harness.api.exporting.hugging_face_model import GrownNetwork, GrownNetworkConfig

    network = GrownNetwork(GrownNetworkConfig(), GrowableModel(nn.Sequential(Sum()), "sum"))

    assert network(ids=torch.tensor([1.0]), mask=torch.tensor([2.0]))["sum"].item() == 3


def test_a_folder_of_before_has_no_preprocessing_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected preprocessing.json in .*, found none; harness export writes it"):
        h.load_preprocessing(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", '{"inputs": {"kind": "sounds"}, "predictions": []}', "[]"])
def test_what_is_no_preprocessing_is_refused_in_a_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "preprocessing.json").write_text(content)

    with pytest.raises(InputError, match=r"expected preprocessing.json in .*; export the network again"):
        h.load_preprocessing(tmp_path)
