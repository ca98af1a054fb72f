import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.core.history import History, Series
from harness.staging.ledger import RunRecord, StageAddress, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking.content.entry import MOST_PARAM_CHARACTERS, run_entry, study_entry

MakeRun = Callable[..., RunRecord]


def test_a_run_is_named_by_trial_arm_and_seed(study: StudyRecord, run: RunRecord, history: History) -> None:
    assert run_entry(study, run, history).name == "trial 7 · unfrozen · seed 2"


def test_two_runs_of_a_study_have_different_identities(study: StudyRecord, make_run: MakeRun, history: History) -> None:
    runs = [make_run(trial=t, arm=a, seed=s) for t in (1, 11) for a in ("1", "frozen") for s in (1, 11)]

    identities = {run_entry(study, run, history).identity for run in runs}

    assert len(identities) == len(runs)


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


def test_a_chosen_leaf_without_arguments_is_shown_by_its_kind(
    study: StudyRecord, make_run: MakeRun, history: History
) -> None:
    params = {"freeze": {"kind": "nothing"}, "values": {"kind": "normal", "std": 0.1}}

    entry = run_entry(study, make_run(params=params), history)

    assert entry.params["freeze"] == "nothing"
    assert entry.params["values"] == '{"kind": "normal", "std": 0.1}'


def test_a_growth_is_a_point_at_its_step(study: StudyRecord, run: RunRecord, history: History) -> None:
    entry = run_entry(study, run, history)

    assert entry.metrics["growth/parameters_added"] == Series([20], [1234.0])
    assert entry.tags["growth_steps"] == "20"


def test_a_growth_that_the_history_has_is_not_added_to_it(study: StudyRecord, run: RunRecord, history: History) -> None:
    history.record(20, {"growth/parameters_added": 1234.0})

    assert run_entry(study, run, history).metrics["growth/parameters_added"] == Series([20], [1234.0])


def test_a_curve_has_every_point_also_two_at_one_step(study: StudyRecord, run: RunRecord, history: History) -> None:
    metrics = run_entry(study, run, history).metrics

    assert metrics["val/accuracy/all"] == history["val/accuracy/all"]
    assert metrics["train/loss/total"] == history["train/loss/total"]


def test_numbers_in_names_have_as_many_digits_as_the_greatest(study: StudyRecord, run: RunRecord) -> None:
    many = replace(study, trials=200, seeds=11)

    assert run_entry(many, run, History()).name == "trial 007 · unfrozen · seed 02"


def test_the_data_are_named_with_a_digest_of_their_spec(study: StudyRecord, make_run: MakeRun) -> None:
    runs = [make_run(config={"task": {"kind": "digits", "classes": n}}) for n in (6, 6, 4)]

    (first,), (same,), (other,) = [run_entry(study, run, History()).datasets for run in runs]

    assert (first.name, json.loads(first.spec)) == ("digits", {"kind": "digits", "classes": 6})
    assert first == same
    assert first.digest != other.digest


def test_the_stages_are_named_in_tags(study: StudyRecord, make_run: MakeRun) -> None:
    run = make_run(stages=(StageAddress("a" * 64, 20), StageAddress("b" * 64, 40)))

    tags = run_entry(study, run, History()).tags

    assert (tags["parent_stage"], tags["stage"]) == ("a" * 16, "b" * 16)


def test_a_study_with_more_trials_has_the_same_spec_hash(study: StudyRecord) -> None:
    longer = replace(study, spec=StudySpec({**study.spec, "trials": 99, "title": "Another"}))
    other = replace(study, spec=StudySpec({**study.spec, "metric": "accuracy/late"}))

    hashes = [study_entry(each).tags["spec_hash"] for each in (study, longer, other)]

    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    "changes",
    [{"metrics": {}}, {"status": "failed"}, {"reason": "x"}, {"stages": (StageAddress("a", 1),)}, {"seed": 3}],
)
def test_whatever_changes_in_a_record_changes_its_mark(
    study: StudyRecord, make_run: MakeRun, changes: dict[str, Any]
) -> None:
    assert run_entry(study, make_run(**changes), History()).mark != run_entry(study, make_run(), History()).mark


def test_what_is_not_finite_is_named_in_a_tag(study: StudyRecord, make_run: MakeRun) -> None:
    history = History()
    for step, value in enumerate([1.0, math.nan, math.inf, 2.0]):
        history.record(step, {"train/loss/new": value, "train/loss/dead": math.nan})

    entry = run_entry(study, make_run(metrics={"test/forgetting": math.nan}, growths=()), history)

    assert entry.metrics == {"train/loss/new": Series([0, 3], [1.0, 2.0])}
    assert entry.tags["not_finite"] == (
        "train/loss/dead at 4 of 4 steps, train/loss/new at 2 of 4 steps, test/forgetting"
    )


def test_no_tag_is_longer_than_mlflow_allows(study: StudyRecord, make_run: MakeRun) -> None:
    entry = run_entry(study, make_run(status="failed", reason="x" * 20_000), History())

    assert len(entry.tags["reason"]) == 8000
    assert len(entry.note) <= 8000


def test_a_study_says_how_many_runs_are_planned(study: StudyRecord) -> None:
    assert study_entry(study).tags["planned_runs"] == "48"
