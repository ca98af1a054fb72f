import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.checklist import checklist_table
from harness.reporting.text.caveats import caveats
from harness.reporting.text.narrative import limits
from harness.reporting.text.recipe import said_of_recipe

STOPPING: dict[str, Any] = {"steps": 600, "early_stopping": {"kind": "plateau"}, "training": {}}
AVERAGED: dict[str, Any] = {"steps": 600, "training": {"average": {"decay": 0.9}}}
HIDDEN: dict[str, Any] = {"steps": 600, "training": {"average": {"decay": 0.9}, "evaluate_average": False}}
PLAIN: dict[str, Any] = {"steps": 600, "training": {}}


def with_configs(data: StudyData, *configs: dict[str, Any], steps: tuple[int, ...] = (600,)) -> StudyData:
    count = len(data.runs)
    every = [json.dumps(configs[row % len(configs)]) for row in range(count)]
    data.runs["config"] = every
    data.runs["cost/steps"] = [float(steps[row % len(steps)]) for row in range(count)]
    return data


@pytest.fixture
def data(study_data: Callable[..., StudyData]) -> StudyData:
    """A study of 8 completed runs."""
    return study_data(trials=4, seeds=1)


def test_an_average_is_said_to_be_what_was_evaluated(data: StudyData) -> None:
    assert said_of_recipe(with_configs(data, AVERAGED)) == [
        "Runs were evaluated with a moving average of their weights, not with those that the last update left."
    ]
    assert said_of_recipe(with_configs(data, AVERAGED, PLAIN))[0].startswith(
        "Of 8 runs, 4 were evaluated with a moving"
    )
    assert said_of_recipe(with_configs(data, HIDDEN, PLAIN)) == []


def test_runs_that_were_stopped_early_are_as_planned(data: StudyData) -> None:
    stopped = with_configs(data, STOPPING, steps=(250, 600, 300, 350))
    context = ReportContext(stopped)
    table = checklist_table(context)

    expected = "Early stopping ended 6 of 8 runs, as planned, after 250 to 350 of at most 600 updates."
    assert expected in caveats(stopped, context.comparison, context.account, context.verdict)
    limit = "where early stopping or the last update ends a run, not at equal cost"
    assert any(limit in sentence for sentence in limits(stopped, context.comparison))
    assert context.account.failed == context.account.unfinished == context.account.pruned == 0
    assert table is not None
    assert "No: early stopping ends runs. Seconds are given for each arm." in [answer for _, _, answer, _ in table.rows]
    assert said_of_recipe(with_configs(data, STOPPING)) == ["Early stopping ended none of 8 runs."]


def test_answers_by_nearest_means_are_said_to_be_what_was_evaluated(data: StudyData) -> None:
    by_means = {"steps": 600, "training": {"nearest_mean": "hidden.1"}}

    assert said_of_recipe(with_configs(data, by_means, PLAIN)) == [
        "Of 8 runs, 4 were evaluated by the nearest means of remembered examples, not by their heads."
    ]


def test_nothing_is_said_of_plain_training(data: StudyData) -> None:
    assert said_of_recipe(with_configs(data, PLAIN)) == []
    assert said_of_recipe(with_configs(data, PLAIN, steps=(250,))) == []
