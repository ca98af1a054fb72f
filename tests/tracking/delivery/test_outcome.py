from dataclasses import replace
from pathlib import Path

import pytest

from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.delivery.outcome import outcome_of, save_outcome
from harness.tracking.live.format import live_folder


def test_the_outcome_that_was_saved_is_shown_until_the_study_is_extended(
    tmp_path: Path, study: StudyRecord, run: RunRecord
) -> None:
    save_outcome(tmp_path, study, "Unfrozen is better.")

    assert outcome_of(tmp_path, study, [run]) == "Unfrozen is better."
    assert outcome_of(tmp_path, replace(study, trials=99), [run]) == "1 completed"


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}"])
def test_without_one_the_ends_are_counted(
    tmp_path: Path, study: StudyRecord, run: RunRecord, content: str | None
) -> None:
    if content is not None:
        live_folder(tmp_path, study.name).mkdir(parents=True)
        (live_folder(tmp_path, study.name) / "outcome.json").write_text(content)

    assert outcome_of(tmp_path, study, [run, run, replace(run, status="failed")]) == "2 completed, 1 failed"
