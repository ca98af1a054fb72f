from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.core.model_folder import ModelFolder
from harness.data import Tokenizer


def test_texts_become_tokens_and_a_mask_and_are_padded_on_the_right(tokenizer: Tokenizer) -> None:
    batch = tokenizer.encode(["a b", "c ?", "d"])

    assert batch["input_ids"].tolist() == [[1, 4, 5, 2], [1, 6, 3, 2], [1, 7, 2, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]]


def test_a_long_text_is_cut_off_and_still_has_its_end(tokenizer: Tokenizer) -> None:
    batch = tokenizer.encode(["a b c d e f g h", "a"])

    assert batch["input_ids"].tolist() == [[1, 4, 5, 6, 7, 2], [1, 4, 2, 0, 0, 0]]


def test_no_text_is_no_row(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode([])["input_ids"].shape == (0, 0)


@pytest.mark.usefixtures("tokenizer")
def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(DataError, match=r"expected a tokenizer at .*tokenizer.json, found none"):
        Tokenizer(files=ModelFolder.of(str(tmp_path))).encode(["a"])
