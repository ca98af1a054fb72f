import math
from collections.abc import Callable

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.entry import MOST_PARAM_CHARACTERS, run_entry, study_entry

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


def test_params_that_are_unset_or_too_long_are_left_to_the_file(
    study: StudyRecord, make_run: MakeRun, history: History
) -> None:
    config = {"none": None, "long": "x" * (MOST_PARAM_CHARACTERS + 1), "fits": "x" * MOST_PARAM_CHARACTERS}

    entry = run_entry(study, make_run(config=config), history)

    assert "fits" in entry.params
    assert not {"none", "long"} & set(entry.params)
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

    assert entry.metrics["growth/parameters_added"] == {20: 1234.0}
    assert entry.tags["growth_steps"] == "20"


def test_a_result_that_ends_its_curve_is_not_shown_again(
    study: StudyRecord, make_run: MakeRun, history: History
) -> None:
    run = make_run(metrics={"val/accuracy/all": 0.4, "growth/parameters_added": 2000.0, "test/forgetting": 0.1})

    metrics = run_entry(study, run, history).metrics

    assert metrics["val/accuracy/all"] == {10: 0.1, 20: 0.25, 30: 0.3, 40: 0.4}
    assert metrics["test/forgetting"] == {0: 0.1}
    assert metrics["growth/parameters_added"] == {20: 1234.0}
    assert metrics["result/growth/parameters_added"] == {0: 2000.0}
    assert "result/val/accuracy/all" not in metrics


def test_what_is_not_finite_is_named_in_a_tag(study: StudyRecord, make_run: MakeRun) -> None:
    history = History()
    for step, value in enumerate([1.0, math.nan, math.inf, 2.0]):
        history.record(step, {"train/loss/new": value, "train/loss/dead": math.nan})

    entry = run_entry(study, make_run(metrics={"test/forgetting": math.nan}, growths=()), history)

    assert entry.metrics == {"train/loss/new": {0: 1.0, 3: 2.0}}
    assert entry.tags["not_finite"] == (
        "train/loss/dead at 4 of 4 steps, train/loss/new at 2 of 4 steps, test/forgetting"
    )


def test_no_tag_is_longer_than_mlflow_allows(study: StudyRecord, make_run: MakeRun) -> None:
    entry = run_entry(study, make_run(status="failed", reason="x" * 20_000), History())

    assert len(entry.tags["reason"]) == 8000
    assert len(entry.note) <= 8000


def test_a_study_says_how_many_runs_are_planned(study: StudyRecord) -> None:
    assert study_entry(study).tags == {"study": study.name, "planned_runs": "48"}
