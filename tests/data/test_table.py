import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from harness.core.errors import DataError, SpecError
from harness.core.spec import with_changes
from harness.data import Output, Parts, Table, load_task, sha256_of
from harness.staging.run import RunConfig
from harness.staging.stage_key import first_key

Rows = dict[str, list[Any]]


def rows() -> Rows:
    """Sixty plants: two numbers, a color, a species of three, a height, and the bed in which they grow."""
    draws = np.random.default_rng(0)
    species = [number % 3 for number in range(60)]
    return {
        "width": [round(float(value), 3) for value in draws.normal(5, 2, 60)],
        "weight": [round(float(value), 3) for value in draws.normal(100, 30, 60)],
        "color": [("red", "blue")[number % 2] for number in range(60)],
        "species": species,
        "name": [("oak", "elm", "ash")[number] for number in species],
        "height": [10.0 + number for number in range(60)],
        "bed": [f"bed {number // 4}" for number in range(60)],
    }


def write(folder: Path, content: Rows, suffix: str = ".csv", delimiter: str = ",") -> Path:
    path = folder / f"plants{suffix}"
    if suffix == ".parquet":
        parquet.write_table(pa.table(content), path)
        return path
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(content)
        writer.writerows(zip(*content.values(), strict=True))
    return path


def table(path: Path, **fields: Any) -> Table:
    basic = {"inputs": ("width", "weight"), "label": "species", "classes": {"known": (0, 1), "late": (2,)}}
    return Table(**({"path": path.name, "sha256": sha256_of(path)} | basic | fields))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_become_standardized_inputs_labels_and_parts(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, rows(), suffix)

    data = load_task(table(path), tmp_path)

    assert [len(data.train), len(data.validation), len(data.test)] == [36, 12, 12]
    assert data.train.inputs.dtype == torch.float32
    assert torch.allclose(data.train.inputs.mean(0), torch.zeros(2), atol=1e-5)
    assert torch.allclose(data.train.inputs.std(0, correction=0), torch.ones(2), atol=1e-5)
    assert data.test.labels.bincount().tolist() == [4, 4, 4]


def test_csv_and_parquet_of_the_same_rows_are_the_same_data(tmp_path: Path) -> None:
    paths = [write(tmp_path, rows(), suffix) for suffix in (".csv", ".parquet")]
    fields = {"inputs": ("width", "color"), "categorical": ("color",), "parts": Parts(group="bed", seed=4)}

    one, other = (table(path, **fields).load(tmp_path).train for path in paths)

    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.labels, other.labels)


def test_a_category_is_a_column_for_each_of_its_sorted_values(tmp_path: Path) -> None:
    path = write(tmp_path, rows() | {"weight": list(range(60))})  # even ones are red

    found = table(path, inputs=("color", "weight"), categorical=("color",), standardize=False).load(tmp_path)

    for blue, red, weight in found.train.inputs.tolist():
        assert (blue, red) == (weight % 2, 1 - weight % 2)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("fill", ["mean", "median", 7.0])
def test_empty_fields_are_filled_from_the_training_part_alone(tmp_path: Path, suffix: str, fill: str | float) -> None:
    content = rows()
    content["width"][:30] = [None if suffix == ".parquet" else " "] * 30
    of_part = Parts().divide(torch.tensor(content["species"]), None)
    trained = torch.tensor([content["width"][row] for row in of_part[0].tolist() if row >= 30], dtype=torch.float64)
    value = fill if isinstance(fill, float) else float(getattr(np, fill)(trained.numpy()))

    data = load_task(table(write(tmp_path, content, suffix), fill={"width": fill}, standardize=False), tmp_path)

    for part, found in zip(of_part, (data.train, data.validation, data.test), strict=True):
        expected = [value if row < 30 else content["width"][row] for row in part.tolist()]
        torch.testing.assert_close(found.inputs[:, 0], torch.tensor(expected))


def test_a_table_that_fills_nothing_is_the_task_that_it_was(tmp_path: Path) -> None:
    assert "fill" not in table(write(tmp_path, rows())).to_json()


def test_a_column_that_does_not_vary_is_zero(tmp_path: Path) -> None:
    task = table(write(tmp_path, rows() | {"width": [7] * 60}))

    assert task.load(tmp_path).train.inputs[:, 0].tolist() == [0] * 36


@pytest.mark.parametrize(
    ("type_", "usual"), [(np.float64, 0.1), (np.float64, 1.7e18), (np.float32, 0.1), (np.int64, 10**18)], ids=str
)
def test_a_column_that_differs_by_rounding_alone_is_not_blown_up(tmp_path: Path, type_: type, usual: float) -> None:
    width: Any = np.full(60, usual, dtype=type_)
    if type_ is not np.int64:
        width[0] = np.nextafter(width[0], type_(np.inf))
    path = write(tmp_path, {**rows(), "width": width}, ".parquet")

    data = load_task(table(path), tmp_path)

    assert data.train.inputs[:, 0].abs().max() <= np.spacing(type_(usual)) if type_ is not np.int64 else True
    assert data.notes == (f"constant in the training part of {path}, and so divided by 1 to be standardized: 'width'",)


def test_a_column_that_is_large_and_varies_is_standardized_and_nothing_is_noted(tmp_path: Path) -> None:
    seconds: Any = 1.7e9 + np.arange(60) / 1000

    data = load_task(table(write(tmp_path, rows() | {"width": seconds.tolist()}, ".parquet")), tmp_path)

    assert data.train.inputs[:, 0].std(correction=0).item() == pytest.approx(1, abs=1e-3)
    assert data.notes == ()


def test_targets_of_values_are_standardized_and_keep_their_scale(tmp_path: Path) -> None:
    outputs = {"height": Output(), "class": Output(kind="classes", columns=3, target="sort")}
    targets = {"height": ("height",), "sort": ("name",)}
    names = {"name": ("oak", "elm", "ash")}
    task = table(write(tmp_path, rows()), outputs=outputs, targets=targets, class_names=names)

    data = load_task(task, tmp_path)

    scale = data.scales["height"]
    heights = data.train.targets["height"] * scale.std + scale.mean
    assert list(data.scales) == ["height"]
    assert data.train.targets["height"].mean().item() == pytest.approx(0, abs=1e-5)
    assert ((heights - 10).round().long().squeeze(1) % 3).tolist() == data.train.labels.tolist()
    assert torch.equal(data.train.targets["sort"], data.train.labels)


def test_targets_that_are_asked_as_yes_or_no_stay_as_they_are(tmp_path: Path) -> None:
    content = rows() | {"tall": [number % 2 for number in range(60)]}
    outputs = {"tall": Output(kind="binary")}

    data = load_task(table(write(tmp_path, content), outputs=outputs, targets={"tall": ("tall",)}), tmp_path)

    assert data.scales == {}
    assert sorted(data.test.targets["tall"].unique().tolist()) == [0, 1]


def test_without_a_label_every_row_is_seen_from_the_beginning(tmp_path: Path) -> None:
    task = table(write(tmp_path, rows()), label=None, classes={}, outputs={"h": Output()}, targets={"h": ("height",)})

    assert load_task(task, tmp_path).train.labels.unique().tolist() == [0]


def test_a_group_is_never_divided(tmp_path: Path) -> None:
    task = table(write(tmp_path, rows()), inputs=("height",), parts=Parts(group="bed"), standardize=False)

    data = task.load(tmp_path)

    beds = [set(((part.inputs - 10) // 4).flatten().tolist()) for part in (data.train, data.validation, data.test)]
    assert sum(map(len, beds)) == len(set.union(*beds)) == 15
    assert data.groups is not None
    of_bed = {
        (group, (height - 10) // 4)
        for group, (height,) in zip(data.groups.tolist(), data.test.inputs.tolist(), strict=True)
    }
    assert len(of_bed) == len(set(data.groups.tolist())) == len(beds[-1])


def test_another_delimiter_and_names_of_classes_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, rows(), delimiter=";")
    task = table(path, delimiter=";", label="name", class_names={"name": ("ash", "elm", "oak")})

    assert task.load(tmp_path).train.labels.bincount().tolist() == [12, 12, 12]


def test_numbers_with_a_decimal_comma_are_those_with_a_point(tmp_path: Path) -> None:
    content = rows()
    commas = {name: [str(value).replace(".", ",") for value in values] for name, values in content.items()}
    expected = load_task(table(write(tmp_path, content)), tmp_path).train.inputs

    task = table(write(tmp_path, commas, delimiter=";"), delimiter=";", decimal=",")

    assert torch.equal(load_task(task, tmp_path).train.inputs, expected)
    points = table(write(tmp_path, content, delimiter=";"), delimiter=";")
    assert "decimal" not in points.to_json()
    with pytest.raises(DataError, match=r"found '5\.251'; decimal=\"\.\" reads it as 5\.251"):
        load_task(with_changes(points, {"decimal": ","}), tmp_path)


def test_a_decimal_comma_is_read_in_quotes_where_commas_divide_fields(tmp_path: Path) -> None:
    path = write(tmp_path, rows())
    expected = load_task(table(path), tmp_path).train.inputs
    lines = path.read_text().splitlines()
    quoted = [",".join(f'"{field.replace(".", ",")}"' for field in line.split(",")) for line in lines]
    path.write_text("\n".join(quoted))

    found = load_task(table(path, decimal=","), tmp_path).train.inputs

    assert torch.equal(found, expected)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_that_are_empty_in_all_columns_read_are_passed_over(tmp_path: Path, suffix: str) -> None:
    expected = load_task(table(write(tmp_path, rows(), suffix)), tmp_path).train
    gap: Any = {".csv": " ", ".parquet": None}[suffix]
    path = write(tmp_path, {name: [*values[:7], gap, *values[7:], gap] for name, values in rows().items()}, suffix)

    data = load_task(table(path), tmp_path)

    assert torch.equal(data.train.inputs, expected.inputs)
    assert torch.equal(data.train.labels, expected.labels)
    assert data.notes == (f"rows of {path} that are empty in all columns read, and so passed over: 2",)


def test_a_fault_below_an_empty_row_has_the_number_of_its_row(tmp_path: Path) -> None:
    content = {name: [*values[:7], "", *values[7:]] for name, values in edited("width", 8, "wide").items()}

    with pytest.raises(DataError, match=r"row 10, of .*found 'wide'"):
        load_task(table(write(tmp_path, content)), tmp_path)


def test_examples_without_label_and_targets_are_filled_even_where_all_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path, rows() | {"width": ["", *rows()["width"][1:]]})
    outputs = {"again": Output(target="inputs")}

    task = table(path, inputs=("width",), label=None, classes={}, outputs=outputs, fill={"width": 0.0})

    assert len(load_task(task, tmp_path).train) == 36


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_empty_fields_of_categories_are_a_category_of_their_own(tmp_path: Path, suffix: str) -> None:
    colors = ["red", "blue", None if suffix == ".parquet" else " ", "NA", "unknown", "blue"] * 10
    path = write(tmp_path, rows() | {"color": colors, "height": list(range(60))}, suffix)
    fields = {"inputs": ("color", "height"), "categorical": ("color",), "standardize": False}

    data = load_task(table(path, **fields, fill={"color": "unknown"}, missing=("NA",)), tmp_path)

    for *categories, height in data.train.inputs.tolist():
        known = [["red", "blue", "", "", "", "blue"][int(height) % 6] == name for name in ("blue", "red", "")]
        assert categories == known


def test_classes_without_examples_in_a_part_are_noted(tmp_path: Path) -> None:
    path = write(tmp_path, edited("name", 0, "yew"))
    names = {"name": ("ash", "elm", "oak", "yew")}

    data = load_task(table(path, label="name", class_names=names, classes={"known": (0, 1), "late": (2, 3)}), tmp_path)

    assert data.notes == ("no examples in the validation and test data of the classes yew (1 in all)",)


@pytest.mark.parametrize("text", ["NA", "?", " - ", "nowhere"])
def test_texts_that_are_missing_values_are_filled_like_empty_fields(tmp_path: Path, text: str) -> None:
    expected = load_task(table(write(tmp_path, edited("width", 3, "")), fill={"width": "median"}), tmp_path)

    marked = write(tmp_path, edited("width", 3, text))
    found = load_task(table(marked, fill={"width": "median"}, missing=("never", text.strip())), tmp_path)

    assert torch.equal(found.train.inputs, expected.train.inputs)


def test_a_category_may_be_called_like_a_missing_value(tmp_path: Path) -> None:
    content = edited("width", 3, "NA") | {"color": ["NA", "red"] * 30}
    task = table(write(tmp_path, content), inputs=("width", "color"), categorical=("color",))

    marked = with_changes(task, {"fill": {"width": 0.0}, "missing": ["NA"]})

    assert load_task(marked, tmp_path).train.inputs.shape == (36, 3)


def test_changed_data_are_noticed_and_are_another_stage(tmp_path: Path, digits_run: RunConfig) -> None:
    before = table(write(tmp_path, rows()))
    after = table(write(tmp_path, rows() | {"width": list(range(60))}))

    with pytest.raises(DataError, match=f"found SHA-256 {after.sha256}; if these are the data you mean"):
        before.load(tmp_path)

    keys = {first_key(digits_run.model_copy(update={"task": task})) for task in (before, after)}
    assert len(keys) == 2


def edited(column: str, row: int, value: object) -> Rows:
    content = rows()
    content[column][row] = value
    return content


FAULTS = [
    (edited("width", 3, "wide"), {}, "expected a number in column 'width', row 4, of .*found 'wide'"),
    (edited("width", 3, "1_000"), {}, "expected a number in column 'width', row 4, of .*found '1_000'"),
    (edited("width", 0, ""), {}, "expected a number in column 'width', row 1, of .*found ''"),
    (edited("weight", 59, "nan"), {}, "expected a finite number in column 'weight', row 60, of .*found nan"),
    (edited("weight", 9, "-inf"), {}, "expected a finite number in column 'weight', row 10"),
    (
        edited("width", 3, "wide"),
        {"fill": {"width": "mean"}},
        "expected a number in column 'width', row 4, of .*'wide'",
    ),
    (edited("width", 3, "inf"), {"fill": {"width": "mean"}}, "expected a finite number in column 'width', row 4"),
    (rows() | {"width": [""] * 60}, {"fill": {"width": "median"}}, "in the training part of column 'width' .*none"),
    (edited("species", 5, "-1"), {}, r"expected a class 0, 1, 2, .* in column 'species', row 6, of .*found -1"),
    (edited("species", 5, "1.5"), {}, r"in column 'species', row 6, of .*found 1\.5"),
    (
        edited("width", 3, "1,5"),
        {},
        "expected a number in column 'width', row 4, of .*found '1,5'; decimal=\",\" reads it as 1.5$",
    ),
    (edited("width", 3, "1,234"), {}, "found '1,234'; decimal=\",\" reads it as 1.234$"),
    (edited("width", 3, "1,234.5"), {}, "'1,234.5'; write thousands without commas, and fractions with a point$"),
    (edited("width", 3, "NA"), {}, """found 'NA'; missing=\\("NA",\\) and fill={"width": "median"} read it$"""),
    (rows(), {"label": "name"}, r"expected a number in column 'name', row 1"),
    (
        rows(),
        {"label": "name", "class_names": {"name": ("oak", "elm")}},
        "expected one of oak, elm in column 'name', row 3, of .*found 'ash'",
    ),
    (
        edited("color", 1, " "),
        {"inputs": ("color",), "categorical": ("color",)},
        "expected a value in column 'color', row 2, of .*found nothing",
    ),
    (rows(), {"inputs": ("widht",)}, "no column 'widht' in .* Did you mean 'width'?"),
    (rows(), {"delimiter": ";"}, "no column 'width' in .*There are: width,weight"),
    ({name: [] for name in rows()}, {}, "expected rows in .*found only names of columns"),
    (
        rows() | {"bed": ["one"] * 60},
        {"parts": Parts(group="bed")},
        r"expected examples in every part, found \[60, 0, 0\]; change the fractions or give more groups",
    ),
    (
        rows() | {"species": [7] * 60},
        {"outputs": {"it": Output(kind="classes", columns=3, target="labels")}},
        "expected classes 0 to 2 as target 'labels' .* found 7 to 7",
    ),
]


@pytest.mark.parametrize(("content", "fields", "message"), FAULTS)
def test_a_fault_of_a_table_is_one_clear_line(
    tmp_path: Path, content: Rows, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_task(table(write(tmp_path, content), **fields), tmp_path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"inputs": ("width", "species")}, "expected inputs apart from label and targets, found 'species' in both"),
        ({"inputs": ("width", "width")}, "expected every input once"),
        ({"inputs": ()}, "expected 1 or more entries"),
        ({"categorical": ("color",)}, "expected categorical columns among the inputs, found 'color'"),
        ({"fill": {"color": 1.0}}, "expected fill of inputs, found 'color'"),
        ({"inputs": ("color",), "categorical": ("color",), "fill": {"color": 1.0}}, "expected a category as fill of"),
        ({"inputs": ("color",), "categorical": ("color",), "fill": {"color": "mean"}}, "expected a category as fill"),
        ({"missing": ("NA",)}, "expected fill, which says what stands for 'NA'; found none"),
        ({"fill": {"width": "mode"}}, "expected mean, median or a number as fill of 'width', found 'mode'"),
        ({"class_names": {"color": ("red",)}}, "expected class_names of the label or a target, found 'color'"),
        ({"label": None}, "expected a label, the column that says which class a row is of"),
        (
            {"outputs": {"a": Output(kind="classes", columns=2)}, "targets": {"a": ("height", "name")}},
            "expected one column for the target 'a'",
        ),
        ({"sha256": "abc"}, "expected a SHA-256, 64 digits 0-9 and a-f, found 'abc'"),
        ({"parts": {"fractions": (0.5, 0.2, 0.2)}}, "expected fractions that add up to 1"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        table(write(tmp_path, rows()), **fields)
