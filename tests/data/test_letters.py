import hashlib
import os
import random
from pathlib import Path

import pytest
import torch

from harness.core.errors import DataError, SpecError
from harness.data import Letters, TaskData, letters

CLASSES = {"known": tuple(range(10)), "late": tuple(range(10, 26))}
TASK = Letters(classes=CLASSES)
NAME = "letter-recognition.data"
REAL = Path(os.environ.get("HARNESS_DATA_DIR", "")) / "letter-recognition"
SOURCES = ["made", "real"] if (REAL / NAME).is_file() else ["made"]


def made_lines() -> list[str]:
    """Return 20,000 lines like the publisher's; the first numbers say which letter it is."""
    numbers = [str(byte % 16) for byte in random.Random(0).randbytes(20_000 * 15)]
    return [
        ",".join([letters.CAPITALS[row % 26], str(row % 26 % 16), *numbers[15 * row : 15 * row + 15]])
        for row in range(20_000)
    ]


LINES = made_lines()


def write(folder: Path, content: bytes, patch: pytest.MonkeyPatch) -> None:
    """Write the file, which passes for the publisher's."""
    (folder / NAME).write_bytes(content)
    published = letters.FILE.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    patch.setattr(letters, "FILE", published)


@pytest.fixture(scope="module", params=SOURCES)
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TaskData:
    if request.param == "real":
        return TASK.load(REAL.parent)
    folder = tmp_path_factory.mktemp("letters")
    with pytest.MonkeyPatch.context() as patch:
        write(folder, "\n".join(LINES).encode(), patch)
        return TASK.load(folder)


def test_the_last_four_thousand_rows_test_and_a_fifth_of_the_others_validates(data: TaskData) -> None:
    assert len(data.test) == 4_000
    assert len(data.train) + len(data.validation) == 16_000
    assert 3_150 < len(data.validation) <= 3_200


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_every_split_has_every_letter(data: TaskData, name: str) -> None:
    split = getattr(data, name)

    assert split.inputs.shape == (len(split), 16)
    assert split.inputs.dtype == torch.float32
    assert split.labels.unique().tolist() == list(range(26))


def test_the_training_part_is_standardized_and_the_others_follow_it(data: TaskData) -> None:
    torch.testing.assert_close(data.train.inputs.mean(dim=0), torch.zeros(16), atol=1e-5, rtol=0)
    torch.testing.assert_close(data.train.inputs.std(dim=0), torch.ones(16), atol=1e-5, rtol=0)
    assert data.test.inputs.mean(dim=0).abs().max() > 1e-4


def test_features_keep_their_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "\n".join(LINES).encode(), monkeypatch)

    data = TASK.load(tmp_path)

    for split in (data.train, data.validation, data.test):
        _, order = (split.labels % 16).unique(return_inverse=True)
        assert torch.equal(split.inputs[:, 0].unique(return_inverse=True)[1], order)


def test_the_test_rows_stay_in_the_files_order(data: TaskData, request: pytest.FixtureRequest) -> None:
    real = request.node.callspec.params["data"] == "real"
    lines = (REAL / NAME).read_text().splitlines() if real else LINES

    assert data.test.labels.tolist() == [letters.CAPITALS.index(line[0]) for line in lines[16_000:]]


def test_the_split_seed_moves_examples_between_training_and_validation_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "\n".join(LINES).encode(), monkeypatch)

    data, again = TASK.load(tmp_path), TASK.load(tmp_path)
    other = Letters(classes=CLASSES, split_seed=1).load(tmp_path)

    assert torch.equal(data.train.inputs, again.train.inputs)
    assert not torch.equal(data.train.inputs, other.train.inputs)
    assert torch.equal(data.test.labels, other.test.labels)


def test_only_the_first_letters_of_the_alphabet_are_kept_if_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "\n".join(LINES).encode(), monkeypatch)

    data = Letters(classes={"first": (0, 1, 2)}, letters=3).load(tmp_path)

    for split in (data.train, data.validation, data.test):
        assert split.labels.unique().tolist() == [0, 1, 2]
    assert len(data.test) == sum(row % 26 < 3 for row in range(16_000, 20_000))
    torch.testing.assert_close(data.train.inputs.std(dim=0), torch.ones(16), atol=1e-5, rtol=0)


@pytest.mark.parametrize("count", [0, 27])
def test_there_are_one_to_26_letters(count: int) -> None:
    with pytest.raises(SpecError, match="letters"):
        Letters(classes={"first": (0,)}, letters=count)


def changed(line: str) -> bytes:
    return "\n".join([*LINES[:2], line, *LINES[3:]]).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected 20000 lines in .*, found 0"),
        ("\n".join(LINES[:-1]).encode(), "expected 20000 lines in .*, found 19999"),
        ("\n".join(LINES).encode()[:-5], "expected a letter and 16 numbers in line 20000"),
        (changed("A,1,2"), "expected a letter and 16 numbers in line 3 of .*, found 'A,1,2'"),
        (changed(LINES[2] + ",1"), "expected a letter and 16 numbers in line 3"),
        (changed(""), "expected a letter and 16 numbers in line 3 of .*, found ''"),
        (changed("a" + LINES[2][1:]), "expected a letter A to Z first in line 3 of .*, found 'a'"),
        (changed("AB" + LINES[2][1:]), "expected a letter A to Z first in line 3 of .*, found 'AB'"),
        (changed("Ä" + LINES[2][1:]), "expected a letter A to Z first in line 3"),
        (changed(LINES[2][: LINES[2].rindex(",")] + ",x"), "expected whole numbers 0 to 15 in line 3 of .*, found 'x'"),
        (
            changed(LINES[2][: LINES[2].rindex(",")] + ",16"),
            "expected whole numbers 0 to 15 in line 3 of .*, found '16'",
        ),
        (changed(LINES[2][: LINES[2].rindex(",")] + ",-1"), "expected whole numbers 0 to 15 in line 3"),
        (changed(LINES[2][: LINES[2].rindex(",")] + ","), "expected whole numbers 0 to 15 in line 3 of .*, found ''"),
        (changed(LINES[2][: LINES[2].rindex(",")] + ",nan"), "expected whole numbers 0 to 15 in line 3"),
    ],
)
def test_a_fault_in_the_file_is_one_clear_line(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, content, monkeypatch)

    with pytest.raises(DataError, match=message) as caught:
        TASK.load(tmp_path)

    assert "\n" not in str(caught.value)


def test_another_file_is_not_the_publishers(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("\n".join(LINES))

    with pytest.raises(DataError, match=r"expected the publisher's letter-recognition\.data"):
        TASK.load(tmp_path)
