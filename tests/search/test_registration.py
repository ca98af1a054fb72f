from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.errors import InputError, StudyChangedError
from harness.core.spec import with_changes
from harness.search.designs import Tuned
from harness.search.preview import preview_runs
from harness.search.registration import as_registered, planned_runs_digest, points_of, register
from harness.search.samplers import TPE
from harness.search.study import Study
from harness.staging.ledger import Ledger, StudyRecord
from harness.staging.previous_specs import spec_digest
from harness.staging.registration import Registration, registration_of

Launch = Callable[..., StudyRecord]
Register = Callable[..., Registration]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(tmp_path / "home")
    found.create()
    return found


@pytest.fixture
def registered(ledger: Ledger) -> Register:
    return lambda study, **options: register(study, ledger, made_with={"harness": "0"}, **options)


def named(study: Study, name: str) -> Study:
    return study.changed({}, name=name)


def test_points_follow_from_the_plan_whatever_the_study_is_called(study: Study) -> None:
    assert points_of(study) == points_of(named(study, "another")) == points_of(with_changes(study, {"trials": 7}))
    assert points_of(study) != points_of(with_changes(study, {"space.when.low": 20}))


def test_a_study_without_registration_has_the_spec_and_the_points_of_before(study: Study) -> None:
    assert "points" not in study.to_json()
    assert study.stream == study.name
    assert as_registered(study, None) is study


def test_two_names_of_one_registered_plan_give_the_same_values(
    registered: Register, study: Study, ledger: Ledger
) -> None:
    many = with_changes(study, {"trials": 8})
    values = []
    for name in ("one", "another"):
        registered(named(many, name))
        values.append([run.params for run in preview_runs(named(many, name), ledger, None, None)])

    assert values[0] == values[1]
    assert values[0] != [run.params for run in preview_runs(many, None, None, None)]


def test_a_launch_runs_what_was_registered(
    registered: Register, study: Study, ledger: Ledger, run_study: Launch
) -> None:
    found = registered(study, trials=1)

    run_study()

    (record,), runs = ledger.studies(), ledger.runs("tiny")
    assert (record.spec.points, record.trials) == (found.content["points"], 1)
    assert {run.spec_digest for run in runs} == {found.content["spec_sha256"]} == {spec_digest(record.spec)}
    after = registration_of(ledger.database, "tiny")
    assert after
    assert after.first_launch
    assert after.came_first


def test_a_changed_study_is_not_the_registered_one(registered: Register, study: Study, run_study: Launch) -> None:
    registered(study)

    with pytest.raises(StudyChangedError, match=r"smallest_effect was 0\.0 and is 0\.1"):
        run_study(with_changes(study, {"smallest_effect": 0.1}))


def test_a_study_that_was_begun_or_registered_is_refused(
    registered: Register, study: Study, ledger: Ledger, run_study: Launch
) -> None:
    registered(named(study, "other"))
    with pytest.raises(InputError, match=r"found that .other. was registered in"):
        registered(named(study, "other"))

    run_study(trials=1)

    with pytest.raises(InputError, match="expected a study that was not begun, found 'tiny'"):
        registered(study)
    assert registration_of(ledger.database, "tiny") is None


def test_a_registration_can_be_repeated_elsewhere_with_its_points(registered: Register, study: Study) -> None:
    assert registered(study, points="ab" * 32).content["points"] == "ab" * 32

    with pytest.raises(InputError, match="64 hexadecimal digits, found 'zz'"):
        registered(named(study, "another"), points="zz")


@pytest.mark.parametrize("change", [{"sampler": TPE()}, {"design": Tuned(replicates=2, confirmation=2)}])
def test_what_is_learned_later_is_not_in_the_digest(study: Study, change: dict[str, object]) -> None:
    one, other = (named(with_changes(study, change), name) for name in ("one", "other"))
    learns = "sampler" in change

    assert (planned_runs_digest(one, trials=3, seeds=1) == planned_runs_digest(other, trials=3, seeds=1)) == learns
    assert planned_runs_digest(one, trials=3, seeds=1) != planned_runs_digest(one, trials=3, seeds=2)
