from collections.abc import Callable

import pytest

from harness.staging.begun import MAY_CHANGE, earlier_forms, plan_digest, save_earlier_form
from harness.staging.database import Database

SPEC = {"name": "a", "question": "?", "arms": {"x": {}}, "title": "A", "trials": 3, "seeds": 2}


def test_a_plan_stays_the_same_while_only_that_changes_which_may() -> None:
    changed = SPEC | dict.fromkeys(MAY_CHANGE, 9)

    assert plan_digest(changed) == plan_digest(SPEC)


@pytest.mark.parametrize("changes", [{"name": "b"}, {"arms": {"y": {}}}, {"arms": {"x": {}, "y": {}}}, {"more": 0}])
def test_anything_else_is_another_plan(changes: dict[str, object]) -> None:
    assert plan_digest(SPEC | changes) != plan_digest(SPEC)


def test_an_earlier_form_is_kept_once_a_study_by_its_digest(database: Database) -> None:
    for study in ("a", "a", "b"):
        save_earlier_form(database, study, SPEC)
    save_earlier_form(database, "a", SPEC | {"more": 0})

    assert earlier_forms(database, "a") == {plan_digest(spec): spec for spec in (SPEC, SPEC | {"more": 0})}
    assert earlier_forms(database, "b") == {plan_digest(SPEC): SPEC}
    assert earlier_forms(database, "c") == {}


def test_a_ledger_of_an_earlier_version_has_none_until_one_is_kept(
    database_without: Callable[[str], Database],
) -> None:
    database = database_without("earlier_forms")

    before = earlier_forms(database, "a")
    save_earlier_form(database, "a", SPEC)

    assert before == {}
    assert earlier_forms(database, "a") == {plan_digest(SPEC): SPEC}
