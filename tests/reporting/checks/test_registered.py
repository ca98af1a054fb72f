from dataclasses import replace
from typing import Any

import pytest

from harness.reporting.checks.registered import registered, registration_departures, words_changed
from harness.reporting.data.ledger_account import LedgerAccount
from harness.reporting.data.study_data import StudyData
from harness.staging.registration import Registration


def content(data: StudyData, **spec: Any) -> dict[str, Any]:
    return {"spec": {**data.study.spec, **spec}, "trials": data.study.trials, "seeds": data.study.seeds}


def with_registration(data: StudyData, registration: Registration | None) -> StudyData:
    return replace(data, ledger=LedgerAccount("root", registration=registration))


def test_registered_before_the_first_launch_passes(finished_data: StudyData) -> None:
    badge = registered(with_registration(finished_data, Registration(content(finished_data), 0.0, 60.0)))

    assert (badge.status, badge.evidence) == (
        "PASS",
        "Registered before the first run: 1970-01-01 00:00:00 UTC, and first launched 1970-01-01 00:01:00 UTC, by the "
        "ledger.",
    )


def test_registered_afterwards_fails_and_not_registered_is_not_checked(finished_data: StudyData) -> None:
    late = registered(with_registration(finished_data, Registration(content(finished_data), 60.0, 0.0)))
    none = registered(with_registration(finished_data, None))

    assert (late.status, none.status) == ("FAIL", "NOT CHECKED")
    assert none.evidence.startswith("Not registered: ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "accuracy/late"}, "metric was registered as 'accuracy/late' and is 'accuracy/all'"),
        ({"smallest_effect": 0.02}, "smallest_effect was registered as 0.02 and is 0.005"),
        ({"comparison": ["frozen", "unfrozen"]}, "comparison was registered as ['frozen', 'unfrozen']"),
        ({"points": "ab" * 32}, "points was registered as"),
    ],
)
def test_what_was_changed_after_the_data_were_seen_is_named(
    finished_data: StudyData, changes: dict[str, Any], said: str
) -> None:
    badge = registered(with_registration(finished_data, Registration(content(finished_data, **changes), 0.0)))

    assert (badge.status, said in badge.evidence) == ("FAIL", True)


def test_fewer_than_registered_and_more_are_named(finished_data: StudyData) -> None:
    fewer = {**content(finished_data), "trials": 7, "seeds": 3}
    more = {**content(finished_data), "trials": 2, "seeds": 1}

    assert registration_departures(finished_data, fewer) == [
        "7 configurations were registered, and there are 6",
        "3 seeds were registered, and there are 2",
    ]
    assert registration_departures(finished_data, more) == [
        "2 configurations were registered, and there are 6",
        "1 seed was registered, and there are 2",
    ]
    assert registered(with_registration(finished_data, Registration(more, 0.0))).status == "FAIL"


def test_words_and_fields_of_a_later_version_are_no_departure(finished_data: StudyData) -> None:
    known = content(finished_data, title="Another title")
    del known["spec"]["objectives"]

    assert registration_departures(finished_data, known) == []


@pytest.mark.parametrize("broken", [{}, {"spec": 3, "trials": 1, "seeds": 1}, {"spec": {}, "trials": "x", "seeds": 1}])
def test_what_is_no_registration_is_said(finished_data: StudyData, broken: dict[str, Any]) -> None:
    assert registration_departures(finished_data, broken) == ["the registration cannot be read"]


def test_another_title_or_question_is_said(finished_data: StudyData) -> None:
    known = content(finished_data, title="Another title", question="Another question?")

    title, question = words_changed(finished_data, known)

    assert title.startswith("the title was registered as 'Another title' and is ")
    assert question.startswith("the question was registered as 'Another question?' and is ")


@pytest.mark.parametrize("broken", [{}, [], {"spec": 3}])
def test_what_is_no_registration_changes_no_words(finished_data: StudyData, broken: object) -> None:
    assert words_changed(finished_data, broken) == []
