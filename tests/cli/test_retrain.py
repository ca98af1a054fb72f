import json
from pathlib import Path

import pytest

from harness.cli.retrain import trainer
from harness.core.errors import StudyNotFoundError

CONFIG = {"task": {"kind": "unheard_of"}}


def report_of(folder: Path, source: str) -> Path:
    (folder / "study.json").write_text(json.dumps({"called": {"source": source}}))
    return folder


@pytest.mark.parametrize("source", ["nowhere", "digits-late-classes"])
def test_parts_that_nobody_knows_are_asked_for(tmp_path: Path, source: str) -> None:
    train = trainer(report_of(tmp_path, source), "")

    with pytest.raises(ValueError, match="say --study FILE if the study defines parts of its own"):
        train(CONFIG, {}, True)


def test_a_report_cannot_say_which_file_is_executed(tmp_path: Path) -> None:
    trap = tmp_path / "study.py"
    trap.write_text(f"open({str(tmp_path / 'trapped')!r}, 'w')")

    trainer(report_of(tmp_path, str(trap)), "")

    assert not (tmp_path / "trapped").exists()


def test_a_study_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="unheard-of"):
        trainer(report_of(tmp_path, "nowhere"), "unheard-of")
