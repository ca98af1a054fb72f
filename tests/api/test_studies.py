from pathlib import Path

import pytest

from harness.api.studies import changed_study, origin_of, without_home
from harness.growth.freezing import NoFreezing
from harness.search.study import Study
from harness.staging.ledger import StudyOrigin


def test_a_study_that_python_made_is_changed_and_has_no_file(study: Study) -> None:
    changed, file = changed_study(study, {"training.batch_size": 7}, device="cpu", name="other")

    assert (changed.name, changed.base.training.batch_size, file) == ("other", 7, None)
    assert study.base.training.batch_size == 32


def test_changes_are_kept_as_the_command_line_reads_them(study: Study) -> None:
    changes = {"steps": 50, "growths.0.freeze": NoFreezing()}

    assert origin_of("studies/tiny", changes) == StudyOrigin(
        "studies/tiny", ("steps=50", 'growths.0.freeze={"kind": "nothing", "frozen_norm": "eval"}')
    )
    assert origin_of(study, {}) == StudyOrigin("")


def test_a_path_is_kept_without_what_lies_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert without_home("studies/tiny") == "studies/tiny"
    assert without_home(str(tmp_path / "studies" / "tiny")) == "studies/tiny"
    assert without_home("/home/someone/studies/tiny") == "tiny"
    assert without_home("/home/someone/studies/tiny/study.py") == "tiny"
