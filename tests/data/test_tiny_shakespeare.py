import string
from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.data import Output, TinyShakespeare, load_task, sha256_of, tiny_shakespeare

NEXT = {"next": Output(kind="classes", columns=65)}
TEXT = (string.ascii_letters + " \n!?.,;:'-&$3") * 20  # 65 characters, in another order than that of their codes


def write(folder: Path, patch: pytest.MonkeyPatch, text: str) -> None:
    """Write the file, which passes for the publisher's."""
    (folder / "input.txt").write_text(text)
    published = tiny_shakespeare.FILE.model_copy(update={"sha256": sha256_of(folder / "input.txt")})
    patch.setattr(tiny_shakespeare, "FILE", published)


def test_pieces_follow_one_another_and_targets_are_one_character_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, monkeypatch, TEXT)

    data = load_task(TinyShakespeare(outputs=NEXT, length=8), tmp_path)

    known = sorted(set(TEXT))
    read = "".join(known[number] for number in data.train.inputs.flatten().tolist())
    following = "".join(known[number] for number in data.train.targets["next"].flatten().tolist())
    assert (read, following) == (TEXT[: len(read)], TEXT[1 : len(read) + 1])
    assert [split.inputs.shape for split in (data.train, data.validation, data.test)] == [(146, 8), (8, 8), (8, 8)]


@pytest.mark.parametrize(
    ("text", "length", "message"),
    [("abc" * 400, 8, "expected 65 characters in .*, found 3"), (TEXT, 600, "expected pieces shorter than 65")],
)
def test_other_texts_and_pieces_that_are_too_long_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, length: int, message: str
) -> None:
    write(tmp_path, monkeypatch, text)

    with pytest.raises(DataError, match=message):
        TinyShakespeare(outputs=NEXT, length=length).load(tmp_path)
