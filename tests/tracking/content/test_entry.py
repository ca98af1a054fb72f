import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord, StageAddress, StudyRecord
from harness.tracking.content.entry import MOST_PARAM_CHARACTERS, run_entry

MakeRun = Callable[..., RunRecord]


def test_a_run_is_named_by_trial_arm_and_seed(study: StudyRecord, run: RunRecord, history: History) -> None:
    assert run_entry(study, run, history).name == "trial 7 · unfrozen · seed 2"


def test_two_runs_of_a_study_have_different_identities(study: StudyRecord, make_run: MakeRun, history: History) -> None:
    runs = [make_run(trial=t, arm=a, seed=s) for t in (1, 11) for a in ("1", "frozen") for s in (1, 11)]

    identities = {run_entry(study, run, history).identity for run in runs}

    assert len(identities) == len(runs)


def test_a_param_that_is_unset_is_left_to_the_file_and_a_long_one_is_there_as_a_whole(
    study: StudyRecord, make_run: MakeRun, history: History
) -> None:
    long = "x" * (MOST_PARAM_CHARACTERS + 1)
    config = {"none": None, "long": long, "fits": "x" * MOST_PARAM_CHARACTERS}

    entry = run_entry(study, make_run(config=config), history)

    assert "none" not in entry.params
    assert entry.params["fits"] == config["fits"]
    assert entry.params["long"] == long[: MOST_PARAM_CHARACTERS - 1] + "…"
    assert entry.tags["long_params"] == "long"
    assert entry.files["long_params.json"] == {"long": long}
    assert entry.files["config.json"] == config


def test_numbers_in_names_have_as_many_digits_as_the_greatest(study: StudyRecord, run: RunRecord) -> None:
    many = replace(study, trials=200, seeds=11)

    assert run_entry(many, run, History()).name == "trial 007 · unfrozen · seed 02"


def test_the_last_of_ten_has_one_digit(study: StudyRecord, run: RunRecord) -> None:
    ten = replace(study, trials=10, seeds=10)

    assert run_entry(ten, run, History()).name == "trial 7 · unfrozen · seed 2"


def test_the_data_are_named_with_a_digest_of_their_spec(study: StudyRecord, make_run: MakeRun) -> None:
    runs = [make_run(config={"task": {"kind": "digits", "classes": n}}) for n in (6, 6, 4)]

    (first,), (same,), (other,) = [run_entry(study, run, History()).datasets for run in runs]

    assert (first.name, json.loads(first.spec)) == ("digits", {"kind": "digits", "classes": 6})
    assert first == same
    assert first.digest != other.digest


@pytest.mark.parametrize(
    "changes",
    [{"metrics": {}}, {"status": "failed"}, {"reason": "x"}, {"stages": (StageAddress("a", 1),)}, {"seed": 3}],
)
def test_whatever_changes_in_a_record_changes_its_mark(
    study: StudyRecord, make_run: MakeRun, changes: dict[str, Any]
) -> None:
    assert run_entry(study, make_run(**changes), History()).mark != run_entry(study, make_run(), History()).mark
