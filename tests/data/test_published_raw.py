"""Publishers' own rows, images and texts become the test inputs of a task to the bit, where their files are at hand."""

import csv
import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch

from harness.core.inputs import input_tensors
from harness.data import anuran_calls, clinc150, energy_efficiency, letters, load_task, tiny_shakespeare
from harness.data.download import fetch
from harness.data.idx import read_idx
from harness.data.xlsx import read_sheet
from tests.data.test_published_tasks import FOLDER, HELD, PUBLISHED

FIRST = 100  # examples of a test part that are looked for


def rows_of_letters() -> list[dict[str, str]]:
    lines = fetch(letters.FILE, FOLDER).read_text().splitlines()
    return [dict(zip(letters.FEATURES, line.split(",")[1:], strict=True)) for line in lines]


def rows_of_frogs() -> list[dict[str, str]]:
    with fetch(anuran_calls.FILE, FOLDER).open(newline="") as stream:
        return list(csv.DictReader(stream))


def rows_of_buildings() -> list[dict[str, float]]:
    columns = read_sheet(fetch(energy_efficiency.FILE, FOLDER))
    return [
        dict(zip(columns, row, strict=True)) for row in zip(*(own.tolist() for own in columns.values()), strict=True)
    ]


def questions() -> list[str]:
    content = json.loads(fetch(clinc150.FILE, FOLDER).read_text())
    return [text for text, _ in islice(content["test"], FIRST)]


def plays() -> list[str]:
    text = fetch(tiny_shakespeare.FILE, FOLDER).read_text()
    tested = text[int(len(text) * tiny_shakespeare.VALIDATED) :]
    return [tested[start : start + 64] for start in range(0, 64 * FIRST, 64)]


RAW: dict[str, Callable[[], Any]] = {
    "letter-recognition": rows_of_letters,
    "anuran-calls": rows_of_frogs,
    "energy-efficiency": rows_of_buildings,
    "clinc150": questions,
    "tiny-shakespeare": plays,
    "mnist": lambda: read_idx(FOLDER / "mnist" / "t10k-images-idx3-ubyte.gz")[:FIRST].numpy(),
    "fashion-mnist": lambda: read_idx(FOLDER / "fashion-mnist" / "t10k-images-idx3-ubyte.gz")[:FIRST].numpy(),
}


@pytest.mark.campaign
@pytest.mark.parametrize("name", [name for name in RAW if name in HELD])
def test_what_publishers_give_becomes_the_inputs_of_the_test_part_to_the_bit(name: str) -> None:
    task = PUBLISHED[name][0]
    told = task.preprocessing_from(FOLDER)
    assert told is not None
    assert told.inputs is not None

    made = input_tensors(told.inputs.inputs(RAW[name](), torch))

    expected = input_tensors(load_task(task, FOLDER).test.take(torch.arange(FIRST)).inputs)
    for argument, tensor in expected.items():
        known = {tuple(example) for example in made[argument].flatten(1).tolist()}
        assert all(tuple(example) in known for example in tensor.flatten(1).tolist())
