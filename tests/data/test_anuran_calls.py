import csv
import hashlib
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from harness.core.errors import DataError
from harness.data import AnuranCalls, Split, TaskData, anuran_calls, load_task
from harness.data.anuran_calls import FEATURES, LEVELS

CLASSES = {"families": (0, 1, 2, 3)}
TASK = AnuranCalls(classes=CLASSES)
NAME = "Frogs_MFCCs.csv"
REAL = Path(os.environ.get("HARNESS_DATA_DIR", "")) / "anuran-calls"
SOURCES = ["made", "real"] if (REAL / NAME).is_file() else ["made"]
Row = list[Any]
HEADER: Row = [*FEATURES, "Family", "Genus", "Species", "RecordID"]


def made_rows() -> list[Row]:
    """Return syllables like the publisher's: ten species with five recordings of unequal length."""
    draw = random.Random(0)
    return [
        [
            *(draw.uniform(-1, 1) for _ in range(21)),
            recording / 50,  # the last feature says which recording it is
            LEVELS["family"][species % 4],
            LEVELS["genus"][species % 8],
            LEVELS["species"][species],
            recording,
        ]
        for species in range(10)
        for recording in range(5 * species, 5 * species + 5)
        for _ in range(3 + recording % 5)
    ]


def as_csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def write(folder: Path, content: bytes, patch: pytest.MonkeyPatch) -> None:
    """Write the file, which passes for the publisher's."""
    (folder / NAME).write_bytes(content)
    published = anuran_calls.FILE.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    patch.setattr(anuran_calls, "FILE", published)


@pytest.fixture(scope="module", params=SOURCES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the file, which passes for the publisher's."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "real":
            yield REAL
            return
        made = tmp_path_factory.mktemp("anuran")
        write(made, as_csv([HEADER, *made_rows()]), patch)
        yield made


@pytest.fixture
def data(folder: Path) -> TaskData:
    return TASK.load(folder)


def parts(data: TaskData) -> dict[str, Split]:
    return {"train": data.train, "validation": data.validation, "test": data.test}


def test_no_recording_is_in_two_parts(data: TaskData) -> None:
    held = [split.targets["recording"].unique().tolist() for split in parts(data).values()]

    assert sum(map(len, held)) == len({recording for part in held for recording in part}) in (50, 60)
    assert data.groups is not None
    assert data.groups.equal(data.test.targets["recording"])


@pytest.mark.parametrize("name", ["train", "validation", "test"])
@pytest.mark.parametrize("level", LEVELS)
def test_every_part_has_every_class_of_every_level(data: TaskData, name: str, level: str) -> None:
    classes = parts(data)[name].targets[level].unique().tolist()

    assert classes == list(range(len(LEVELS[level])))


def test_every_syllable_is_in_one_part_and_three_fifths_train(data: TaskData, folder: Path) -> None:
    sizes = [len(split) for split in parts(data).values()]

    assert sum(sizes) == len((folder / NAME).read_text().splitlines()) - 1
    assert sizes[0] / sum(sizes) == pytest.approx(0.6, abs=0.05)
    assert sizes[1] / sum(sizes) == pytest.approx(0.2, abs=0.05)


def test_every_species_has_about_its_share_in_training(data: TaskData) -> None:
    counts = torch.stack([split.targets["species"].bincount() for split in parts(data).values()])

    shares = counts[0] / counts.sum(0)
    assert shares.min() > 0.45
    assert shares.max() < 0.8


@pytest.mark.parametrize("folder", SOURCES[1:], indirect=True)
def test_a_species_is_of_one_genus_and_that_of_one_family(data: TaskData) -> None:
    splits = parts(data).values()

    levels = torch.cat([torch.stack([split.targets[level] for level in LEVELS], dim=1) for split in splits])
    assert len(levels.unique(dim=0)) == len(levels[:, 2].unique()) == 10
    assert len(levels[:, :2].unique(dim=0)) == len(levels[:, 1].unique()) == 8


def test_features_keep_their_recordings_and_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, as_csv([HEADER, *made_rows()]), monkeypatch)

    data = AnuranCalls(level="species", classes={"all": tuple(range(10))}).load(tmp_path)

    for split in parts(data).values():
        recording = split.targets["recording"]
        assert torch.equal(split.labels, recording // 5)
        assert torch.equal(split.targets["family"], split.labels % 4)
        assert torch.equal(split.targets["genus"], split.labels % 8)
        _, order = split.inputs[:, 21].unique(return_inverse=True)
        assert torch.equal(order, recording.unique(return_inverse=True)[1])


def test_the_training_part_is_standardized_and_the_others_follow_it(data: TaskData) -> None:
    std, mean = torch.std_mean(data.train.inputs, dim=0)

    torch.testing.assert_close(mean, torch.zeros(22), atol=1e-5, rtol=0)
    torch.testing.assert_close(std, torch.ones(22), atol=1e-5, rtol=0)
    assert data.test.inputs.mean(0).abs().max() > 1e-3
    assert data.train.inputs.dtype == torch.float32


@pytest.mark.parametrize(("level", "count"), [("family", 4), ("genus", 8), ("species", 10)])
def test_labels_are_the_level_asked_for(folder: Path, level: Literal["family", "genus", "species"], count: int) -> None:
    task = AnuranCalls(level=level, classes={"all": tuple(range(count))})

    for split in parts(load_task(task, folder)).values():
        assert torch.equal(split.labels, split.targets[level])


def test_loading_again_gives_the_same(data: TaskData, folder: Path) -> None:
    assert torch.equal(TASK.load(folder).test.inputs, data.test.inputs)


def changed(column: str, value: object) -> list[Row]:
    rows = [HEADER, *made_rows()]
    rows[3][HEADER.index(column)] = value
    return rows


FAULTS = {
    "text for a number": (
        changed("MFCCs_ 7", "loud"),
        "expected a number in column 'MFCCs_ 7', row 3, .* found 'loud'",
    ),
    "no number": (changed("MFCCs_22", "nan"), "expected a finite number in column 'MFCCs_22', row 3, .* found nan"),
    "nothing": (changed("MFCCs_ 1", ""), "expected a .* in column 'MFCCs_ 1', row 3,"),
    "another frog": (changed("Species", "Kermit"), "expected one of AdenomeraAndre, .* row 3, .* found 'Kermit'"),
    "another family": (changed("Family", ""), "in column 'Family', row 3, .* found"),
    "no recording": (changed("RecordID", "-1"), "in column 'RecordID', row 3, .* found -1"),
    "no column": ([[*HEADER[:-1], "RecordId"], *made_rows()], "no column 'RecordID' in .*RecordId"),
    "no rows": ([HEADER], "expected rows in"),
    "fewer fields": ([HEADER, *made_rows()[:4], [1, 2]], "expected a csv file at .*Expected 26 columns, got 2"),
    "empty": ([], "expected a csv file at"),
}


@pytest.mark.parametrize(("rows", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_the_file_is_one_clear_line(
    rows: list[Row], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, as_csv(rows), monkeypatch)

    with pytest.raises(DataError, match=message) as caught:
        TASK.load(tmp_path)

    assert "\n" not in str(caught.value)


def test_another_file_is_not_the_publishers(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(as_csv([HEADER, *made_rows()]) + b" ")

    with pytest.raises(DataError, match=r"expected the publisher's Frogs_MFCCs\.csv"):
        AnuranCalls(classes=CLASSES).load(tmp_path)
