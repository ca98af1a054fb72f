from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.data import Banking77, Tokenizer, banking77, sha256_of

INTENTS = [f"intent_{number:02}" for number in range(77)]
CLASSES = {"known": tuple(range(40)), "late": tuple(range(40, 77))}


def write(folder: Path, patch: pytest.MonkeyPatch, header: str = "text,category") -> None:
    """Write files with ten and two questions of each intent, which pass for the publisher's."""
    for part, each in (("train", 10), ("test", 2)):
        rows = [f'"a, b {number}",{intent}' for number in range(each) for intent in reversed(INTENTS)]
        (folder / f"{part}.csv").write_text("\n".join([header, *rows]))
        patch.setitem(banking77.FILES, part, sha256_of(folder / f"{part}.csv"))


def test_intents_are_numbered_by_name_and_a_tenth_of_each_validates(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, monkeypatch)

    data = Banking77(classes=CLASSES, tokenizer=tokenizer).load(tmp_path)

    assert [len(split) for split in (data.train, data.validation, data.test)] == [77 * 9, 77, 77 * 2]
    assert sorted(data.validation.labels.tolist()) == list(range(77))
    assert data.test.labels[:77].tolist() == list(range(76, -1, -1))
    assert data.train.inputs["input_ids"][0, :4].tolist() == [1, 4, 3, 5]  # the start, a, a comma, b


def test_other_columns_are_refused(tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, header="question,category")

    with pytest.raises(DataError, match=r"expected the columns .* found \['question', 'category'\]"):
        Banking77(classes=CLASSES, tokenizer=tokenizer).load(tmp_path)
