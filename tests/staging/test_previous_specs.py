from collections.abc import Callable

import pytest

from harness.staging.database import Database
from harness.staging.previous_specs import MUTABLE_FIELDS, previous_specs, save_previous_spec, spec_digest

SPEC = {"name": "a", "question": "?", "arms": {"x": {}}, "title": "A", "trials": 3, "seeds": 2}


def test_a_study_whose_mutable_fields_change_keeps_its_digest() -> None:
    changed = SPEC | dict.fromkeys(MUTABLE_FIELDS, 9)

    assert spec_digest(changed) == spec_digest(SPEC)


@pytest.mark.parametrize("changes", [{"name": "b"}, {"arms": {"y": {}}}, {"arms": {"x": {}, "y": {}}}, {"more": 0}])
def test_any_other_change_gives_another_digest(changes: dict[str, object]) -> None:
    assert spec_digest(SPEC | changes) != spec_digest(SPEC)


def test_a_previous_spec_is_kept_once_a_study_by_its_digest(database: Database) -> None:
    for study in ("a", "a", "b"):
        save_previous_spec(database, study, SPEC)
    save_previous_spec(database, "a", SPEC | {"more": 0})

    assert previous_specs(database, "a") == {spec_digest(spec): spec for spec in (SPEC, SPEC | {"more": 0})}
    assert previous_specs(database, "b") == {spec_digest(SPEC): SPEC}
    assert previous_specs(database, "c") == {}


def test_a_database_of_an_earlier_version_has_none_until_one_is_saved(
    database_without: Callable[[str], Database],
) -> None:
    database = database_without("earlier_forms")

    before = previous_specs(database, "a")
    save_previous_spec(database, "a", SPEC)

    assert before == {}
    assert previous_specs(database, "a") == {spec_digest(SPEC): SPEC}
