import io
from pathlib import Path

import numpy as np
import pytest

from harness.core.answers import Answers
from harness.core.errors import SnapshotError
from harness.core.history import History
from harness.staging.histories import ANSWERS_FILE, read_answers, run_history, stage_folder
from harness.staging.ledger import StageAddress

ADDRESS = StageAddress("abcd", 120)


def other_arrays() -> bytes:
    content = io.BytesIO()
    np.savez(content, **{"all/labels": np.arange(3)})  # type: ignore[arg-type]
    return content.getvalue()


def test_a_stage_lies_under_its_key_and_step() -> None:
    folder = stage_folder(Path("store"), StageAddress("abcd", 120))

    assert folder == Path("store/ab/abcd/00000120")


def test_a_run_without_stages_has_an_empty_history() -> None:
    assert run_history(Path("store"), ()) == History()


def test_a_stage_that_saw_no_test_data_has_no_answers(tmp_path: Path) -> None:
    assert read_answers(tmp_path, ADDRESS) is None


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip", Answers({}, np.arange(3)).to_bytes()[:-4], other_arrays()])
def test_answers_that_cannot_be_read_are_named(tmp_path: Path, content: bytes) -> None:
    path = stage_folder(tmp_path, ADDRESS) / ANSWERS_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    with pytest.raises(SnapshotError, match=r"answers.npz is not what was written .*; run harness cache verify"):
        read_answers(tmp_path, ADDRESS)
