from dataclasses import replace
from typing import Any

import pytest

from harness.core.errors import HarnessError, InputError
from harness.core.spec import with_changes
from harness.search.best import (
    Configuration,
    best_of,
    configuration_of,
    ended_configurations,
    exported,
    front_of,
)
from harness.search.designs import Paired
from harness.search.objective import Objective
from harness.search.space import Float, Present
from harness.search.study import Study
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec

LR = "training.optimizer.lr"


def record(study: Study, seeds: int = 1) -> StudyRecord:
    return StudyRecord(study.name, StudySpec(study.to_json()), study.trials, seeds)


def ended(trial: int, arm: str, value: float | None, seed: int = 0) -> RunRecord:
    metrics = {} if value is None else {"val/accuracy/all": value}
    status = "failed" if value is None else "completed"
    params = {"when": 10 * (trial + 1), "init": "orthogonal"}
    return RunRecord("tiny", trial, arm, seed, "0123", params, dict[str, Any](), status, metrics=metrics)


def test_the_mean_over_arms_and_seeds_decides_and_the_first_wins_a_tie(study: Study) -> None:
    values = {0: (0.5, 0.7), 1: (0.9, 0.1), 2: (0.7, 0.5)}
    runs = [ended(trial, arm, v) for trial, both in values.items() for arm, v in zip(study.arms, both, strict=True)]

    best = best_of(study, ended_configurations(study, record(study), runs[::-1]))

    assert (best.trial, best.values, dict(best.arms), best.failed) == (0, (0.6,), {"frozen": 0.5, "unfrozen": 0.7}, 0)


def test_a_configuration_that_is_not_finished_does_not_count(study: Study) -> None:
    runs = [ended(0, "frozen", 0.5), ended(0, "unfrozen", 0.5), ended(1, "frozen", 0.9)]

    assert [found.trial for found in ended_configurations(study, record(study), runs)] == [0]


def test_runs_that_failed_are_counted(study: Study) -> None:
    runs = [ended(0, "frozen", None), ended(0, "unfrozen", 0.5)]

    (best,) = ended_configurations(study, record(study), runs)

    assert (best.failed, dict(best.arms)) == (1, {"unfrozen": 0.5})


def test_a_configuration_that_was_given_up_after_easy_seeds_is_not_the_best(study: Study) -> None:
    values = {0: (0.9, 0.5), 1: (0.8, None)}
    runs = [
        ended(trial, arm, v, seed)
        for trial, both in values.items()
        for seed, v in enumerate(both)
        for arm in study.arms
    ]
    runs = [run if run.status == "completed" else replace(run, status="pruned") for run in runs]

    found = ended_configurations(study, record(study, seeds=2), runs)

    assert [(one.trial, one.values) for one in found] == [(0, (0.7,))]


@pytest.mark.parametrize("values", [(), (0.5,), (None, None)])
def test_without_a_finished_configuration_there_is_none(study: Study, values: tuple[float | None, ...]) -> None:
    runs = [ended(0, arm, value) for arm, value in zip(study.arms, values, strict=False)]

    with pytest.raises(HarnessError, match="all of whose 2 runs have ended, one of them well"):
        ended_configurations(study, record(study), runs)


def test_what_is_exported_has_one_configuration_and_the_seeds_that_were_run(study: Study) -> None:
    runs = [ended(1, arm, 0.5, seed) for arm in study.arms for seed in (0, 1)]
    begun = replace(record(study, seeds=2), file="studies/tiny/study.py")

    text = exported(study, ended_configurations(study, begun, runs)[0], begun)

    names: dict[str, Any] = {}
    exec(text, names)
    found = names["study"]()
    assert (found.name, found.trials, found.seeds, found.space) == ("tiny-best", 1, 2, {})
    for arm in study.arms:
        assert found.config({}, arm, 1) == study.config({"when": 20, "init": "orthogonal"}, arm, 1)
    assert "load_study" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"objectives": [{"metric": "cost/steps", "direction": "minimize"}]},
        {"design": "tuned", "pruner": {"kind": "median", "checks": 1}, "base.steps": 70},
    ],
    ids=["weighed", "tuned"],
)
def test_what_is_exported_is_asked_and_judged_as_the_study_is(study: Study, changes: dict[str, Any]) -> None:
    published = {"arm": "frozen", "metric": "accuracy/all", "mean": 0.9, "std": 0.1, "source": "arXiv"}
    judged = {"metric": "loss/total", "secondary": ["accuracy/all"], "smallest_effect": 0.25, "published": [published]}
    named = {"name": "n" * 80, "sampler": "random", "comparison": ["frozen", "unfrozen"]}
    asked = with_changes(study, {**changes, **judged, **named})
    chosen = Configuration(3, {"when": 20, "init": "orthogonal"}, (0.5,), {}, 0)

    names: dict[str, Any] = {}
    exec(exported(asked, chosen, record(asked)), names)
    found = names["study"]()

    kept = set(Study.model_fields) - {"name", "base", "space", "baselines", "pruner", "design", "trials", "seeds"}
    assert {name: getattr(found, name) for name in kept} == {name: getattr(asked, name) for name in kept}
    assert (found.name, found.pruner, found.design) == ("n" * 75 + "-best", None, Paired())


def test_the_front_is_the_one_found_by_hand(study: Study) -> None:
    """Trial 2 is dominated by 1, 5 failed, 0 and 3 are the same, and 4 is as good as 1 at a higher price."""
    weighed = study.model_copy(update={"objectives": (Objective(metric="cost/steps", direction="minimize"),)})
    values = {0: (0.9, 40.0), 1: (0.7, 20.0), 2: (0.6, 30.0), 3: (0.9, 40.0), 4: (0.7, 21.0), 5: (None, 1.0)}
    runs = [
        replace(run, metrics={**run.metrics, "cost/steps": steps} if run.metrics else {})
        for trial, (value, steps) in values.items()
        for run in (ended(trial, "frozen", value), ended(trial, "unfrozen", value))
    ]

    configurations = ended_configurations(weighed, record(weighed), runs)

    assert [(found.trial, found.values) for found in configurations] == [
        (trial, found) for trial, found in values.items() if trial != 5
    ]
    assert [found.trial for found in front_of(weighed, configurations)] == [0, 3, 1]
    assert best_of(weighed, configurations).trial == 0


def test_errors_come_first_where_they_are_small(study: Study) -> None:
    objectives = (Objective(metric="accuracy/late", direction="maximize"),)
    judged = study.model_copy(update={"metric": "loss/total", "objectives": objectives})
    runs = [
        replace(ended(trial, arm, 0.5), metrics={"val/loss/total": loss, "val/accuracy/late": late})
        for trial, (loss, late) in enumerate([(0.4, 0.9), (0.2, 0.8), (0.5, 0.7)])
        for arm in study.arms
    ]

    configurations = ended_configurations(judged, record(judged), runs)

    assert best_of(judged, configurations).trial == 1
    assert [found.trial for found in front_of(judged, configurations)] == [1, 0]


def test_a_configuration_is_found_by_its_trial(study: Study) -> None:
    runs = [ended(trial, arm, 0.5) for trial in (0, 2) for arm in study.arms]
    configurations = ended_configurations(study, record(study), runs)

    assert configuration_of(2, configurations).trial == 2
    with pytest.raises(InputError, match="found 1; there are 0, 2"):
        configuration_of(1, configurations)


def test_what_is_exported_lacks_what_the_configuration_lacks_whatever_arms_say_of_it(study: Study) -> None:
    when = study.space["when"].model_copy(update={"when": {"grow": (True,)}})
    space = {"grow": Present(field="growths.0"), "when": when, "lr": Float(field=LR, low=0.1, high=0.3, step=0.1)}
    grown = with_changes(study, {"space": space, "baselines": [{"grow": False, "lr": 0.1}]})
    params = {"grow": False, "lr": 0.3}
    runs = [replace(ended(1, arm, 0.5), params=params) for arm in grown.arms]

    text = exported(grown, ended_configurations(grown, record(grown), runs)[0], record(grown))

    names: dict[str, Any] = {}
    exec(text, names)
    found = names["study"]()
    assert found.point(0) == {"grow": False}
    for arm in grown.arms:
        assert found.config(found.point(0), arm, 0) == grown.config(params, arm, 0)
