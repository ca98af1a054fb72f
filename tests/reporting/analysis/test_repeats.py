import re
from collections.abc import Callable

import pandas as pd
import pytest

from harness.reporting.analysis.pairing import compare, primary_comparison
from harness.reporting.data.columns import PARAM
from harness.reporting.data.study_data import StudyData
from harness.reporting.text.verdict import judge

LABEL = f"{PARAM}when"


def runs_of(seeds: list[int], points: list[int] | None) -> pd.DataFrame:
    """Return runs of one trial for each seed, the trials at these points of the space."""
    rows = [
        {
            "trial": trial,
            "arm": arm,
            "seed": seed,
            "run_id": f"{arm} {seed}",
            "status": "completed",
            "m": gain + trial % 2,
        }
        for trial, seed in enumerate(seeds)
        for arm, gain in (("b", 0.0), ("a", 1.0 + seed))
    ]
    runs = pd.DataFrame(rows)
    return runs if points is None else runs.assign(**{LABEL: [points[trial] for trial in runs["trial"]]})


def test_equal_runs_of_a_repeated_configuration_count_once() -> None:
    found = compare(runs_of([0] * 8, [5, 9] * 4), "a", "b", "m")

    assert found.configurations[["trial", "seeds"]].to_numpy().tolist() == [[0, 1], [1, 1]]
    assert (found.mean.units, found.repeats, len(found.pairs)) == (2, 6, 8)


def test_a_repeated_configuration_with_other_seeds_has_more_seeds() -> None:
    found = compare(runs_of([0, 1, 2, 3], [5, 9, 5, 5]), "a", "b", "m")

    assert found.configurations[["trial", "seeds"]].to_numpy().tolist() == [[0, 3], [1, 1]]
    assert found.configurations["difference"].tolist() == pytest.approx([8 / 3, 2])


def test_where_nothing_is_searched_equal_runs_count_once_and_others_each() -> None:
    assert compare(runs_of([0, 1, 0, 0], None), "a", "b", "m").mean.units == 2
    assert compare(runs_of([0, 1, 2, 3], None).drop(columns="run_id"), "a", "b", "m").mean.units == 4


def test_two_points_are_not_enough_however_often_they_were_drawn(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=8, seeds=1)
    labels = [name for name in data.runs if str(name).startswith(PARAM)]
    for name in labels:
        data.runs[name] = data.runs["trial"] % 2

    comparison = primary_comparison(data)
    verdict = judge(comparison, data.measure(comparison.metric), 0.01)

    assert verdict.kind == "not enough data"
    assert re.search(
        r"are 2 configurations with \d seeds? each \(6 more repeat these and count once\)", verdict.sentence
    )


def test_arms_whose_runs_are_the_same_are_not_called_equivalent(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=6)
    data.runs["history_sha256"] = [
        f"{trial} {seed}" for trial, seed in zip(data.runs["trial"], data.runs["seed"], strict=True)
    ]

    comparison = primary_comparison(data)

    assert judge(comparison, data.measure(comparison.metric), 0.01).sentence == (
        "Nothing to compare: every run under unfrozen and frozen is the same, to the last digit of what was recorded."
    )


def test_runs_without_a_value_of_the_deciding_metric_are_said(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=6)
    metric = f"test/{data.study.spec.metric}"
    data.runs[metric] = float("nan")

    verdict = judge(primary_comparison(data), data.measure(metric), 0.01)

    assert verdict.kind == "no data"
    assert verdict.sentence.startswith(
        "Nothing to compare: 36 runs completed under unfrozen and frozen without a value of"
    )
