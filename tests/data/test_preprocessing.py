import ast
import csv
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.datasets import load_digits

from harness.data import (
    AbstractTask,
    Arrays,
    Digits,
    Normalize,
    RawArray,
    RawCharacters,
    RawColumn,
    RawRows,
    Table,
    TeacherStudent,
    Tokenizer,
    load_task,
    preprocessing,
    sha256_of,
)
from harness.data.labeled_images import image_preprocessing, read_labeled_images
from harness.data.preprocessing import Prediction, Preprocessing, RawInputs, load_preprocessing


def told(task: AbstractTask, folder: Path | None = None) -> Any:
    """Return how a task makes its inputs."""
    said = task.preprocessing_from(folder)
    assert said is not None
    assert said.inputs is not None
    return said.inputs


def patients(decimal: str = ".") -> dict[str, list[str]]:
    """Sixty patients: numbers with empty fields, categories, and a sickness."""
    draws = np.random.default_rng(0)
    ages = [f"{value:.1f}" for value in draws.normal(50, 9, 60)]
    pressures = [f" {value!r}" for value in draws.normal(1.3, 0.2, 60).tolist()]
    pressures[::7], ages[5], ages[41] = ["?", "", "?", "", "?", "", "?", "", "?"], "", ""
    content = {
        "age": ages,
        "pressure": pressures,
        "ward": [("north", "south ", "1")[number % 3] for number in range(60)],
        "note": ["x"] * 60,
        "dose": [f"{value:.3f}" for value in draws.normal(200, 30, 60)],
        "sick": [("no", "yes")[number % 2] for number in range(60)],
    }
    return {name: [value.replace(".", decimal) for value in values] for name, values in content.items()}


def patients_in(folder: Path, delimiter: str = ",", decimal: str = ".", **fields: Any) -> Table:
    """Write them as a CSV file, and return a task."""
    path, content = folder / "patients.csv", patients(decimal)
    with path.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([list(content), *zip(*content.values(), strict=True)])
    return Table(
        path=path.name,
        sha256=sha256_of(path),
        inputs=("pressure", "ward", "age"),
        categorical=("ward",),
        fill={"pressure": "median", "age": "mean"},
        missing=("?",),
        label="sick",
        class_names={"sick": ("no", "yes")},
        classes={"all": (0, 1)},
        delimiter=delimiter,
        decimal=decimal,
        **fields,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"standardize": False},
        {"delimiter": ";", "decimal": ","},
        {"decimal": ","},
        {"fill": {"age": 1.0, "pressure": "mean"}},
    ],
)
def test_raw_rows_become_the_inputs_of_a_task_to_the_bit(tmp_path: Path, fields: Any) -> None:
    task = patients_in(tmp_path, **{name: value for name, value in fields.items() if name != "fill"})
    task = task.model_copy(update={"fill": fields.get("fill", task.fill)})
    data, raw = load_task(task, tmp_path), told(task, tmp_path)
    assert isinstance(raw, RawRows)

    made = raw.inputs(raw.read(tmp_path / "patients.csv"), torch)

    everything = torch.cat([data.train.inputs, data.validation.inputs, data.test.inputs])
    assert sorted(made.tolist()) == sorted(everything.tolist())
    assert made.dtype == torch.float32
    assert made.shape == (60, 5)


def test_empty_categories_are_filled_as_in_training(tmp_path: Path) -> None:
    wards = ["north", "", " ? ", "south"] * 15
    rows = "".join(f"{ward},{row % 2}\n" for row, ward in enumerate(wards))
    (tmp_path / "wards.csv").write_text(f" ward ,sick\n{rows}")
    task = Table(
        path="wards.csv",
        sha256=sha256_of(tmp_path / "wards.csv"),
        inputs=("ward",),
        categorical=("ward",),
        fill={"ward": "unknown"},
        missing=("?",),
        label="sick",
        classes={"all": (0, 1)},
    )
    data, raw = load_task(task, tmp_path), told(task, tmp_path)
    assert isinstance(raw, RawRows)

    made = raw.inputs(raw.read(tmp_path / "wards.csv"), torch)

    everything = torch.cat([data.train.inputs, data.validation.inputs, data.test.inputs])
    assert sorted(made.tolist()) == sorted(everything.tolist())
    assert raw.columns[0].categories == ["north", "south", "unknown"]
    assert made[1].tolist() == [0.0, 0.0, 1.0]


def test_rows_are_read_from_dictionaries_frames_and_other_libraries_alike(tmp_path: Path) -> None:
    task = patients_in(tmp_path)
    raw = told(task, tmp_path)
    assert isinstance(raw, RawRows)
    rows = raw.read(tmp_path / "patients.csv")
    expected = raw.inputs(rows, torch)
    frame = pd.read_csv(tmp_path / "patients.csv", na_values=["?"], dtype={"ward": str})

    assert torch.equal(raw.inputs(frame, torch), expected)
    assert torch.equal(raw.inputs(rows[3], torch), expected[3:4])
    assert np.array_equal(raw.inputs(rows, np), expected.numpy())
    assert raw.inputs(rows, np).dtype == np.float32
    assert raw.inputs([], torch).shape == (0, 5)


def test_an_empty_field_of_a_category_is_the_one_that_stands_for_it_and_empty_rows_are_passed_over(
    tmp_path: Path,
) -> None:
    task = patients_in(tmp_path)
    path = tmp_path / "patients.csv"
    path.write_text(path.read_text().replace("north", "").replace("south ", "?") + ",,,,,\n , ,,,,\n")
    filled = {"ward": "none", "pressure": "mean", "age": "mean"}
    task = task.model_copy(update={"sha256": sha256_of(path), "fill": filled})
    data, raw = load_task(task, tmp_path), told(task, tmp_path)

    made = raw.inputs(raw.read(path), torch)

    everything = torch.cat([data.train.inputs, data.validation.inputs, data.test.inputs])
    assert sorted(made.tolist()) == sorted(everything.tolist())
    assert made.shape == (60, 4)


def test_numbers_of_a_parquet_file_are_read_as_they_are_stored(tmp_path: Path) -> None:
    content = {"x": np.random.default_rng(0).normal(size=30).astype(np.float32), "y": [0, 1] * 15}
    parquet.write_table(pa.table(content), tmp_path / "t.parquet")
    sha256 = sha256_of(tmp_path / "t.parquet")
    task = Table(path="t.parquet", sha256=sha256, inputs=("x",), label="y", classes={"all": (0, 1)})

    made = told(task, tmp_path).inputs(pd.read_parquet(tmp_path / "t.parquet"), torch)

    data = load_task(task, tmp_path)
    everything = torch.cat([data.train.inputs, data.validation.inputs, data.test.inputs])
    assert sorted(made.tolist()) == sorted(everything.tolist())


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"age": "old"}, "expected a number, found 'old' in column 'age', row 1"),
        ({"age": "1_0"}, "expected a number, found '1_0' in column 'age', row 1"),
        ({"age": "inf"}, "expected a number, found 'inf' in column 'age', row 1"),
        ({"age": None}, "expected a number, found None in column 'age', row 1"),
        ({"ward": "west"}, "expected one of 1, north, south, found 'west' in column 'ward', row 1"),
        ({"age": "5", "ward": None}, "expected one of 1, north, south, found '' in column 'ward', row 1"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(field: Any, said: str) -> None:
    raw = RawRows([RawColumn("age", 50.0, 9.0), RawColumn("ward", categories=("1", "north", "south"))])

    with pytest.raises(ValueError, match="expected") as error:
        raw.inputs({"age": "51", "ward": "north"} | field, torch)

    assert str(error.value) == said


def test_a_column_that_is_not_there_is_named_and_blanks_around_a_name_are_not_part_of_it() -> None:
    raw = RawRows([RawColumn("age", 50.0, 10.0)])

    assert raw.inputs({" age ": "60"}, torch).item() == 1
    with pytest.raises(ValueError, match="expected a column 'age', found Age, sex"):
        raw.inputs({"Age": "60", "sex": "f"}, torch)


@given(
    values=st.lists(st.integers(0, 15), min_size=2, max_size=20),
    mean=st.floats(0, 15, width=32),
    std=st.floats(0.125, 8, width=32),
)
def test_what_is_computed_in_32_bits_is_computed_so(values: list[int], mean: float, std: float) -> None:
    expected = (torch.tensor(values).float() - torch.tensor(mean)) / torch.tensor(std)

    made = RawRows([RawColumn("x", mean, std)], single=True).inputs([{"x": str(value)} for value in values], torch)

    assert torch.equal(made[:, 0], expected)


@pytest.mark.parametrize("library", [torch, np])
@pytest.mark.parametrize(
    "normalize",
    [Normalize(), Normalize(scale=255, mean=(0.3,), std=(0.2,)), Normalize(scale=16, mean=(0.1, 0.7), std=(0.3, 0.6))],
)
def test_arrays_are_normalized_to_the_bit(tmp_path: Path, library: Any, normalize: Normalize) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 2, 3, 3)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", inputs=pixels, labels=np.arange(20) % 2)
    task = Arrays(path="a.npz", sha256=sha256_of(tmp_path / "a.npz"), normalize=normalize, classes={"all": (0, 1)})

    made = told(task, tmp_path).inputs(pixels, library)

    assert torch.equal(torch.as_tensor(made), normalize(torch.from_numpy(pixels)))


def test_images_are_padded_and_standardized_to_the_bit(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    header = bytes([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28])
    (tmp_path / "images").write_bytes(gzip.compress(header + pixels.tobytes()))
    (tmp_path / "labels").write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3])))
    moments = (0.1, 0.2752)
    expected, _ = read_labeled_images(tmp_path / "images", tmp_path / "labels", moments=moments, padding=2)

    raw = image_preprocessing(moments, padding=2)

    assert torch.equal(raw.inputs(pixels, torch), expected)
    assert np.array_equal(raw.inputs(pixels, np), expected.numpy())


def test_digits_are_read_as_scikit_learn_has_them() -> None:
    task = Digits(classes={"all": tuple(range(10))})
    data = load_task(task, None)

    made = told(task).inputs(load_digits().data, torch)

    everything = torch.cat([data.train.inputs, data.validation.inputs, data.test.inputs])
    assert sorted(made.tolist()) == sorted(everything.tolist())


def test_numbers_that_are_drawn_are_read_as_they_are() -> None:
    task = TeacherStudent(classes={"all": tuple(range(10))}, examples=(20, 5, 5))
    inputs = load_task(task, None).test.inputs

    assert torch.equal(told(task).inputs(inputs, torch), inputs)


def test_arrays_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected examples of the shape \[28, 28\], found \[28\]"):
        RawArray((28, 28), "uint8", (1, 28, 28)).inputs(np.zeros((4, 28)), np)


def test_texts_become_the_tokens_of_the_tokenizer(tokenizer: Tokenizer) -> None:
    texts = ["a b c d e f g h", "a"]

    made = tokenizer.preprocessing.inputs(texts, torch)

    expected = tokenizer.encode(texts)
    assert made.keys() == expected.keys()
    assert all(torch.equal(made[name], expected[name]) for name in expected)
    assert made["input_ids"].dtype == torch.int64


def test_characters_become_their_numbers() -> None:
    raw = RawCharacters("abc", 2)

    assert raw.inputs(["ca", "bb"], torch).tolist() == [[2, 0], [1, 1]]
    with pytest.raises(ValueError, match="expected texts of 2 known characters, found 'cad'"):
        raw.inputs(["cad"], torch)


OUTPUTS = {
    "known": torch.tensor([[0.1, 3.0, 0.0], [9.0, 0.0, 0.0]]),
    "late": torch.tensor([[1.0], [2.0]]),
    "price": torch.tensor([[-1.0], [2.0]]),
    "pair": torch.tensor([[0.0, 1.0], [2.0, 3.0]]),
    "ill": torch.tensor([[0.0], [-800.0]]),
    "next": torch.tensor([[[0.0, 1.0], [1.0, 0.0]], [[2.0, 1.0], [1.0, 0.0]]]),
}


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (Prediction("p", "classes", ("known", "late"), (("a", "b", "c"), ("d",))), ["b", "a"]),
        (Prediction("p", "classes", ("known", "late"), ((None, None, 2), (3,))), [3, 3]),
        (Prediction("p", "values", ("price",), (("price",),), 100.0, 20.0), [80.0, 140.0]),
        (Prediction("p", "values", ("pair",)), [[0.0, 1.0], [2.0, 3.0]]),
        (Prediction("p", "binary", ("ill",)), [0.5, 0.0]),
        (Prediction("p", "classes", ("next",), (("x", "y"),)), [["y", "x"], ["x", "x"]]),
    ],
)
def test_outputs_become_predictions(prediction: Prediction, expected: list[Any]) -> None:
    torches = Preprocessing(None, [prediction]).predictions(OUTPUTS)
    numpys = Preprocessing(None, [prediction]).predictions({name: value.numpy() for name, value in OUTPUTS.items()})

    assert torches == numpys == {"p": expected}


@pytest.mark.parametrize(
    "raw",
    [
        None,
        RawArray((28, 28), "uint8", (1, 28, 28), 0, 255.0, (0.1,), (0.2,)),
        RawCharacters("abc", 3),
        RawRows([RawColumn("age", 0.1, 0.3, fill=1.0), RawColumn("ward", categories=["a", "b"])], ";", ",", ["NA"]),
    ],
)
def test_what_was_written_is_read_again(tmp_path: Path, raw: RawInputs | None) -> None:
    written = Preprocessing(raw, [Prediction("price", "values", ["price"], mean=0.1, std=1 / 3, unit="EUR")])
    (tmp_path / "preprocessing.json").write_text(json.dumps(written.to_json()))

    read = load_preprocessing(tmp_path)

    assert read.to_json() == json.loads(json.dumps(written.to_json()))
    assert type(read.raw) is type(raw)


def test_whoever_asks_for_what_is_not_known_is_told() -> None:
    with pytest.raises(ValueError, match="found that only its code knows"):
        Preprocessing(None).inputs([], torch)
    with pytest.raises(ValueError, match="expected a network that reads rows of a table, found characters"):
        Preprocessing(RawCharacters("a", 1)).read("rows.csv")


def test_the_file_that_is_copied_beside_a_network_needs_the_standard_library_alone() -> None:
    tree = ast.parse(Path(str(preprocessing.__file__)).read_text())

    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"tokenizers"}
