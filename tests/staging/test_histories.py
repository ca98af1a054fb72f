from pathlib import Path

from harness.core.history import History
from harness.staging.histories import run_history, stage_folder
from harness.staging.ledger import StageAddress


def test_a_stage_lies_under_its_key_and_step() -> None:
    folder = stage_folder(Path("store"), StageAddress("abcd", 120))

    assert folder == Path("store/ab/abcd/00000120")


def test_a_run_without_stages_has_an_empty_history() -> None:
    assert run_history(Path("store"), ()) == History()
