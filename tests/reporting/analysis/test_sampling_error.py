from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from harness.reporting.analysis.pairing import primary_comparison
from harness.reporting.analysis.sampling_error import SamplingError, contradicted, sampling_error
from harness.reporting.data.answers import AnswerFrames
from harness.reporting.data.columns import PARAM
from harness.reporting.data.study_data import StudyData
from harness.staging.study_spec import StudySpec

StudyDataOf = Callable[..., StudyData]


def error_of(data: StudyData) -> SamplingError:
    found = sampling_error(data, primary_comparison(data))
    assert found is not None
    return found


def deciding(data: StudyData, metric: str) -> StudyData:
    spec = StudySpec({**data.study.spec, "metric": metric})
    return replace(data, study=replace(data.study, spec=spec))


def with_errors(data: StudyData, family: str) -> StudyData:
    """Return the study with errors of an output `load` instead of answers, and the metric that they come to."""
    assert data.answers is not None
    stream = np.random.default_rng(1)
    states = data.answers.states[["state"]].assign(
        error=[stream.exponential(size=200).astype(np.float32) for _ in data.answers.states["state"]]
    )
    values = dict(zip(states["state"], states["error"].map(np.mean), strict=True))
    metric = data.runs["run_id"].map(values).astype(float) ** (0.5 if family == "rmse" else 1)
    runs = data.runs.assign(**{f"test/{family}/load": metric})
    answers = AnswerFrames(data.answers.examples.drop(columns="truth"), states)
    return deciding(replace(data, runs=runs, answers=answers), f"{family}/load")


def by_hand(data: StudyData) -> pd.DataFrame:
    """Return each example's score by run."""
    assert data.answers is not None
    truth = data.answers.examples["truth"].to_numpy()
    states = data.answers.states.set_index("state")["answer"]
    scores = {run: states[run] == truth for run in data.runs["run_id"] if run in states}
    return pd.DataFrame(scores).astype(float)


def test_the_error_is_that_of_a_mean_over_examples(answered_data: StudyDataOf) -> None:
    data = answered_data(trials=5, seeds=2)

    found = error_of(data)

    scores, arms = by_hand(data), data.runs.groupby("arm")["run_id"]
    differences = scores[arms.get_group("unfrozen")].mean(axis=1) - scores[arms.get_group("frozen")].mean(axis=1)
    assert found.standard_error == pytest.approx(differences.std() / 200**0.5)
    assert found.half_width == pytest.approx(1.972 * (differences.std() / 200**0.5), rel=1e-3)
    assert (found.examples, found.groups, found.pairs, found.reason) == (200, 200, 10, "")
    assert differences.mean() == pytest.approx(primary_comparison(data).mean.mean)


def test_examples_that_are_copies_of_one_another_are_one_piece_of_evidence(answered_data: StudyDataOf) -> None:
    data = answered_data(examples=100)
    assert data.answers is not None
    examples = pd.concat([data.answers.examples] * 3, ignore_index=True)
    states = data.answers.states.assign(answer=[np.tile(answer, 3) for answer in data.answers.states["answer"]])
    copied = replace(data, answers=AnswerFrames(examples, states))

    alone, thrice = error_of(data), error_of(copied)

    assert thrice.standard_error == pytest.approx(alone.standard_error)
    assert (thrice.examples, thrice.groups) == (300, 100)


def test_a_configuration_that_was_drawn_again_is_no_further_one(answered_data: StudyDataOf) -> None:
    data = answered_data(trials=3, seeds=1)
    params = [name for name in map(str, data.runs.columns) if name.startswith(PARAM)]
    first, again = data.runs[data.runs["trial"] == 0].iloc[0], data.runs["trial"] == 1
    columns = {name: data.runs[name].where(~again, first[name]) for name in params}
    seeds = data.runs["seed"].where(~again, 99)
    repeated = replace(data, runs=data.runs.assign(seed=seeds, **columns))

    found = error_of(repeated)

    scores, runs = by_hand(data), data.runs.set_index(["arm", "trial"])["run_id"]
    one, two, other = (scores[runs["unfrozen", trial]] - scores[runs["frozen", trial]] for trial in range(3))
    assert primary_comparison(repeated).repeats == 1
    assert found.standard_error == pytest.approx(((one + two) / 4 + other / 2).std() / 200**0.5)


@pytest.mark.parametrize("family", ["mae", "rmse"])
def test_errors_vary_as_a_bootstrap_over_examples_does(answered_data: StudyDataOf, family: str) -> None:
    data = with_errors(answered_data(trials=5, seeds=1), family)
    assert data.answers is not None

    found = error_of(data)

    states = data.answers.states.set_index("state")["error"]
    errors = {arm: np.stack([states[run] for run in own]) for arm, own in data.runs.groupby("arm")["run_id"]}
    drawn = np.random.default_rng(2).integers(0, 200, (2000, 200))
    power = 0.5 if family == "rmse" else 1
    means = {arm: (rows[:, drawn].mean(axis=2) ** power).mean(axis=0) for arm, rows in errors.items()}
    assert found.standard_error == pytest.approx(np.std(means["unfrozen"] - means["frozen"]), rel=0.08)


def test_an_accuracy_on_one_head_is_over_the_examples_of_its_classes(answered_data: StudyDataOf) -> None:
    data = deciding(answered_data(), "accuracy/late")
    assert data.answers is not None
    late = by_hand(data)[data.answers.examples["truth"] >= 6].mean()
    data = replace(data, runs=data.runs.assign(**{"test/accuracy/late": data.runs["run_id"].map(late)}))

    assert error_of(data).examples == 80
    assert contradicted(data) == []


def test_runs_without_answers_have_no_sampling_error(finished_data: StudyData) -> None:
    assert sampling_error(finished_data, primary_comparison(finished_data)) is None
    assert contradicted(finished_data) == []


def test_a_pair_with_a_diverged_run_is_left_out(answered_data: StudyDataOf) -> None:
    data = answered_data(failed=((0, "frozen", 1),))

    assert primary_comparison(data).imputed == 1
    assert error_of(data).pairs == 11


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("macro", "the metric is no mean over test examples"),
        ("lost", "1 of the compared runs kept no answers"),
        ("other", "the answers of 1 compared runs do not come to the recorded metric"),
        ("few groups", "the test set has 4 groups of examples, and 5 are needed"),
    ],
)
def test_where_there_is_none_it_says_why(answered_data: StudyDataOf, case: str, reason: str) -> None:
    groups = np.arange(200) // 50 if case == "few groups" else None
    data = answered_data(groups=groups)
    if case == "macro":
        data = deciding(data, "accuracy_by_arrival/mean")
        data = replace(data, runs=data.runs.assign(**{"test/accuracy_by_arrival/mean": data.runs["test/accuracy/all"]}))
    if case == "lost":
        assert data.answers is not None
        states = data.answers.states
        lost = states[states["state"] != data.runs["run_id"].iloc[0]].reset_index(drop=True)
        data = replace(data, answers=AnswerFrames(data.answers.examples, lost))
    if case == "other":
        metric = data.runs["test/accuracy/all"].copy()
        metric.iloc[0] += 0.005
        data = replace(data, runs=data.runs.assign(**{"test/accuracy/all": metric}))

    assert error_of(data) == SamplingError(reason=reason)
    assert contradicted(data) == ([data.runs["run_id"].iloc[0]] if case == "other" else [])


def with_f1(data: StudyData, *, part: str = "all") -> StudyData:
    """Return the study with macro-averaged F1 as the metric that decides."""
    assert data.answers is not None
    truth, states = data.answers.examples["truth"].to_numpy(), data.answers.states.set_index("state")["answer"]
    heads = data.study.spec.task["classes"]
    labels = sorted(set(truth.tolist())) if part == "all" else list(heads[part])
    f1 = {run: f1_score(truth, states[run], average="macro", labels=labels) for run in states.index}
    runs = data.runs.assign(**{f"test/f1/{part}": data.runs["run_id"].map(f1)})
    training = {**data.study.spec.base.get("training", {}), "metrics": {"f1": {"kind": "macro_f1", "unit": "%"}}}
    spec = StudySpec({**data.study.spec, "base": {**data.study.spec.base, "training": training}})
    changed = replace(data, runs=runs, study=replace(data.study, spec=spec))
    return deciding(changed, f"f1/{part}")


@pytest.mark.parametrize("part", ["all", "late"])
def test_a_mean_over_classes_has_the_error_of_its_linear_approximation(answered_data: StudyDataOf, part: str) -> None:
    data = with_f1(answered_data(trials=5, seeds=2), part=part)

    found = error_of(data)

    assert found.linear
    assert (found.examples, found.pairs, found.reason) == (200, 10, "")
    assert found.standard_error == pytest.approx(0.02, abs=0.019)
    assert contradicted(data) == []


def test_another_macro_average_than_the_answers_come_to_is_found(answered_data: StudyDataOf) -> None:
    data = with_f1(answered_data(trials=5, seeds=2))
    changed = data.runs.assign(**{"test/f1/all": data.runs["test/f1/all"] + 0.01})

    wrong = contradicted(replace(data, runs=changed))

    assert set(wrong) == set(data.runs["run_id"])


def test_where_classes_share_a_column_nothing_is_said_of_means_over_classes(answered_data: StudyDataOf) -> None:
    data = with_f1(answered_data(trials=5, seeds=2))
    task = {**data.study.spec.task, "classes": {"known": [[0, 1], 2]}}
    spec = StudySpec({**data.study.spec, "base": {**data.study.spec.base, "task": task}})

    found = error_of(replace(data, study=replace(data.study, spec=spec)))

    assert found.reason == "the metric does not follow from the answers that were kept"
