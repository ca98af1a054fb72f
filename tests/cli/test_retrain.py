from pathlib import Path

import pytest

from harness.cli import retrain as module
from harness.cli.retrain import study_file, trainer
from harness.core.errors import DivergedError, InputError, StudyNotFoundError
from harness.staging.run import RunConfig

CONFIG = {"task": {"kind": "unheard_of"}}


@pytest.mark.parametrize("source", ["nowhere", "digits-late-classes"])
def test_parts_that_nobody_knows_are_asked_for(tmp_path: Path, source: str) -> None:
    train = trainer(study_file(tmp_path, source))

    with pytest.raises(ValueError, match="say --study FILE if the study defines parts of its own"):
        train(CONFIG, {}, True)


def test_a_report_cannot_say_which_file_is_executed(tmp_path: Path) -> None:
    trap = tmp_path / "study.py"
    trap.write_text("raise SystemExit")

    assert study_file(tmp_path / "report", str(trap)) is None


def test_nothing_in_the_reports_folder_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "studies" / "digits-late-classes" / "study.py"
    trap.parent.mkdir(parents=True)
    trap.write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)

    assert study_file(tmp_path, "digits-late-classes") is None
    with pytest.raises(InputError, match="in the report's folder"):
        study_file(tmp_path, "", "digits-late-classes")


def test_a_run_that_diverges_is_no_failure_to_train(monkeypatch: pytest.MonkeyPatch, digits_run: RunConfig) -> None:
    def diverge(*_: object, **__: object) -> None:
        raise DivergedError("total is nan at step 7")

    monkeypatch.setattr(module, "retrain", diverge)

    assert trainer(None)(digits_run.to_json(), {}, True).diverged == "total is nan at step 7"


def test_a_study_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="unheard-of"):
        study_file(tmp_path, "nowhere", "unheard-of")
