from collections.abc import Callable
from dataclasses import replace

from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking.content.notes import run_note, study_note


def test_a_study_is_described_by_its_question_arms_space_and_size(study: StudyRecord) -> None:
    note = study_note(study)

    assert note == (
        "### Should old layers stay frozen?\n\nIs it better to freeze what is known?\n\n"
        '**Arms**\n\n- **frozen**: `{"freeze": "all"}`\n- **unfrozen**: the base run\n\n'
        '**Space**\n\n- **width**: choice `{"options": [16, 32]}` of `growths.0.width`\n\n'
        "8 trials, 2 arms and 3 seeds: 48 runs"
    )


def test_what_a_dimension_does_not_say_is_left_out(study: StudyRecord) -> None:
    rate = {"kind": "float", "field": "lr", "low": 0.0, "high": 1.0, "log": False, "step": None, "when": {"on": [True]}}
    bare = {**rate, "when": {}}

    note = study_note(replace(study, spec=StudySpec({**study.spec, "space": {"rate": rate, "bare": bare}})))

    assert '- **rate**: float `{"low": 0.0, "high": 1.0, "when": {"on": [true]}}` of `lr`' in note
    assert '- **bare**: float `{"low": 0.0, "high": 1.0}` of `lr`' in note


def test_a_run_is_described_by_its_end_growths_and_results(run: RunRecord) -> None:
    note = run_note(run)

    assert note.startswith("**completed**\n\n- **width**: `16`\n\n- grown at step 20: +1,234 parameters\n\n|")
    assert "| test/accuracy/all | 0.875 |" in note


def test_a_failed_run_says_why(make_run: Callable[..., RunRecord]) -> None:
    note = run_note(make_run(status="failed", reason="train/loss/new became nan at step 3", metrics={}))

    assert note.startswith("**failed**: train/loss/new became nan at step 3")
