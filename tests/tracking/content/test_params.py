from collections.abc import Callable

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.entry import run_entry

MakeRun = Callable[..., RunRecord]


def test_searched_fields_come_first_and_only_once(study: StudyRecord, run: RunRecord, history: History) -> None:
    params = run_entry(study, run, history).params

    assert list(params)[:3] == ["width", "arm", "seed"]
    assert params["width"] == "16"
    assert "growths.0.width" not in params


def test_a_searched_field_that_the_arm_changed_is_shown_as_both(
    study: StudyRecord, make_run: MakeRun, history: History
) -> None:
    run = make_run(config={"growths": [{"width": 99}]})

    params = run_entry(study, run, history).params

    assert (params["width"], params["growths.0.width"]) == ("16", "99")


def test_a_chosen_leaf_without_arguments_is_shown_by_its_kind(
    study: StudyRecord, make_run: MakeRun, history: History
) -> None:
    params = {"freeze": {"kind": "nothing"}, "values": {"kind": "normal", "std": 0.1}}

    entry = run_entry(study, make_run(params=params), history)

    assert entry.params["freeze"] == "nothing"
    assert entry.params["values"] == '{"kind": "normal", "std": 0.1}'
