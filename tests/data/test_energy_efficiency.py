import hashlib
import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.data import EnergyEfficiency, Output, Split, TaskData, energy_efficiency, load_task

OUTPUTS = {"heating": Output(), "cooling": Output()}
TASK = EnergyEfficiency(outputs=OUTPUTS)
NAME = "ENB2012_data.xlsx"
REAL = Path(os.environ.get("HARNESS_DATA_DIR", "")) / "energy-efficiency"
SOURCES = ["made", "real"] if (REAL / NAME).is_file() else ["made"]
HEADER = ["X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "Y1", "Y2"]
Write = Callable[[Mapping[str, object]], bytes]


def made_fields() -> dict[str, object]:
    """Return a workbook like the publisher's: 12 shapes with 10 rows; what heats is ten times the first input."""
    draw = random.Random(0)
    fields: dict[str, object] = {f"{letter}1": name for letter, name in zip("ABCDEFGHIJ", HEADER, strict=True)}
    for row in range(120):
        shape = [row // 10 + column / 8 for column in range(5)]
        numbers = [*shape, draw.random(), draw.random(), draw.random(), 10 * shape[0] + 3, row]
        fields |= {f"{letter}{row + 2}": number for letter, number in zip("ABCDEFGHIJ", numbers, strict=True)}
    return fields


def write(folder: Path, content: bytes, patch: pytest.MonkeyPatch) -> None:
    """Write the file, which passes for the publisher's."""
    (folder / NAME).write_bytes(content)
    published = energy_efficiency.FILE.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    patch.setattr(energy_efficiency, "FILE", published)


@pytest.fixture(scope="module", params=SOURCES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, xlsx: Write) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "real":
            yield REAL
            return
        made = tmp_path_factory.mktemp("energy")
        write(made, xlsx(made_fields()), patch)
        yield made


@pytest.fixture(params=["row", "shape"])
def data(request: pytest.FixtureRequest, folder: Path) -> TaskData:
    return load_task(TASK.model_copy(update={"divided_by": request.param}), folder)


def splits(data: TaskData) -> list[Split]:
    return [data.train, data.validation, data.test]


def shapes(split: Split) -> set[tuple[float, ...]]:
    # Standardized values of one number are equal to the bit, whatever the row.
    return {tuple(row) for row in split.inputs[:, :5].tolist()}


def in_own_unit(data: TaskData, split: Split, name: str) -> Tensor:
    return split.targets[name] * data.scales[name].std + data.scales[name].mean


def test_inputs_and_targets_are_standardized_by_the_training_part(data: TaskData) -> None:
    for values in (data.train.inputs, data.train.targets["heating"], data.train.targets["cooling"]):
        std, mean = torch.std_mean(values, dim=0)
        torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-5, rtol=0)
        torch.testing.assert_close(std, torch.ones_like(std), atol=1e-5, rtol=0)
    assert data.test.targets["heating"].mean().abs() > 1e-3


@pytest.mark.parametrize("part", range(3))
def test_a_part_has_eight_inputs_two_loads_and_no_classes(data: TaskData, part: int) -> None:
    split = splits(data)[part]

    assert split.inputs.shape == (len(split), 8)
    assert split.inputs.dtype == torch.float32
    assert {name: values.shape for name, values in split.targets.items()} == dict.fromkeys(OUTPUTS, (len(split), 1))
    assert split.labels.unique().tolist() == [0]
    assert data.classes == {}


def test_about_three_fifths_train(data: TaskData) -> None:
    sizes = [len(split) for split in splits(data)]

    assert sum(sizes) in (120, 768)
    assert sizes[0] / sum(sizes) == pytest.approx(0.6, abs=0.03)
    assert sizes[1] / sum(sizes) == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize(
    ("folder", "extremes"), [(s, [[6.01, 43.1], [10.9, 48.03]]) for s in SOURCES[1:]], indirect=["folder"]
)
def test_loads_are_the_published_ones_in_their_own_unit(data: TaskData, extremes: list[list[float]]) -> None:
    loads = [torch.cat([in_own_unit(data, split, name) for split in splits(data)]) for name in OUTPUTS]

    assert [[values.min().item(), values.max().item()] for values in loads] == [pytest.approx(e) for e in extremes]
    assert {scale.unit for scale in data.scales.values()} == {"kWh/m2"}


def test_a_shape_is_in_one_part_if_asked(folder: Path) -> None:
    data = TASK.model_copy(update={"divided_by": "shape"}).load(folder)

    held = [shapes(split) for split in splits(data)]
    assert sum(map(len, held)) == len(set().union(*held)) == 12
    assert data.groups is not None
    assert len(data.groups.unique()) == len(held[-1])


def test_rows_keep_their_loads_and_none_is_in_two_parts(
    tmp_path: Path, xlsx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, xlsx(made_fields()), monkeypatch)

    data = TASK.load(tmp_path)

    rows = [round(row) for split in splits(data) for row in in_own_unit(data, split, "cooling").flatten().tolist()]
    heating = torch.cat([in_own_unit(data, split, "heating") for split in splits(data)]).flatten()
    assert sorted(rows) == list(range(120))
    torch.testing.assert_close(heating, torch.tensor([10.0 * (row // 10) + 3 for row in rows]))


@pytest.mark.parametrize("divided_by", ["row", "shape"])
def test_other_seeds_divide_otherwise(folder: Path, divided_by: Literal["row", "shape"]) -> None:
    tasks = [EnergyEfficiency(outputs=OUTPUTS, divided_by=divided_by, split_seed=seed) for seed in (0, 0, 1)]

    first, again, other = (task.load(folder).train.inputs for task in tasks)

    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"B1": "X22"}, "no column 'X2' in .*X22"),
        ({"J1": "Z"}, "no column 'Y2' in"),
        ({"C5": "high"}, "expected a number in C5 of .*, found 'high'"),
    ],
)
def test_a_fault_in_the_file_is_one_clear_line(
    change: dict[str, object], message: str, tmp_path: Path, xlsx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, xlsx(made_fields() | change), monkeypatch)

    with pytest.raises(DataError, match=message) as caught:
        TASK.load(tmp_path)

    assert "\n" not in str(caught.value)


def test_another_file_is_not_the_publishers(tmp_path: Path, xlsx: Write) -> None:
    (tmp_path / NAME).write_bytes(xlsx({"A1": "X1"}))

    with pytest.raises(DataError, match=r"expected the publisher's ENB2012_data\.xlsx"):
        TASK.load(tmp_path)


def test_outputs_that_answer_a_target_carry_its_unit_in_the_spec() -> None:
    outputs = {"heating": Output(), "again": Output(target="cooling"), "copy": Output(kind="inputs", columns=8)}

    task = EnergyEfficiency(outputs=outputs)

    assert {name: output.unit for name, output in task.outputs.items()} == {
        "heating": "kWh/m2",
        "again": "kWh/m2",
        "copy": "",
    }
    assert EnergyEfficiency.model_validate(task.to_json()) == task
