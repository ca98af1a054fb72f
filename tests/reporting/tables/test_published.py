from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.published import published_table, said_of_published
from harness.staging.study_spec import StudySpec

StudyDataOf = Callable[..., StudyData]


def table_of(data: StudyData, *published: dict[str, Any]) -> ReportTable | None:
    return published_table(ReportContext(data_with(data, *published)))


def data_with(data: StudyData, *published: dict[str, Any]) -> StudyData:
    spec = {**data.study.spec, "published": list(published)}
    return replace(data, study=replace(data.study, spec=StudySpec(spec)))


def result(arm: str, metric: str, mean: float, std: float, source: str = "Someone (2018), 10 runs") -> dict[str, Any]:
    return {"arm": arm, "metric": metric, "mean": mean, "std": std, "source": source}


def test_a_study_without_published_results_has_no_table(finished_data: StudyData) -> None:
    assert table_of(finished_data) is None


def test_two_means_are_compared_by_the_standard_error_of_their_difference(finished_data: StudyData) -> None:
    runs = finished_data.runs
    values = runs.loc[runs["arm"] == "frozen", "test/accuracy/all"]
    error = np.sqrt(0.01**2 / 10 + values.var() / 12)
    near, far = (result("frozen", "accuracy/all", values.mean() + off * error, 0.01) for off in (1.9, -2.1))

    table = table_of(finished_data, near, far)

    assert table is not None
    assert table.frame["distance"].tolist() == pytest.approx([-1.9, 2.1])
    assert table.frame["ours_sd"][0] == pytest.approx(values.std())
    assert table.frame[["published_runs", "runs"]].to_numpy().tolist() == [[10, 12], [10, 12]]
    assert table.rows[0][:3] == ("frozen", "test accuracy over all classes", "%")
    assert table.rows[0][-1] == "\N{MINUS SIGN}1.9 SE"
    assert "Someone (2018), 10 runs. 1 of 2 means lie within 2 SE of the published ones." in table.note
    assert "single runs" not in table.note


def test_how_many_are_met_is_said_in_a_sentence(finished_data: StudyData) -> None:
    mean = finished_data.runs.loc[finished_data.runs["arm"] == "frozen", "test/accuracy/all"].mean()
    near, far = (result("frozen", "accuracy/all", mean + off, 0.01) for off in (0.0, 0.5))

    assert said_of_published(data_with(finished_data, near, far)) == (
        "Published means that came out here as well: 1 of 2 within 2 standard errors of the difference."
    )
    assert said_of_published(finished_data) == ""


def test_a_source_without_its_number_of_runs_is_compared_by_the_spread_of_single_runs(finished_data: StudyData) -> None:
    runs = finished_data.runs
    mean = runs.loc[runs["arm"] == "frozen", "test/accuracy/all"].mean()
    named = result("frozen", "accuracy/all", mean, 0.01)
    unnamed = result("frozen", "accuracy/all", mean + 0.019, 0.01, source="Someone else (2019)")

    table = table_of(finished_data, named, unnamed)

    assert table is not None
    assert table.rows[1][-1] == "\N{MINUS SIGN}1.9 SD"
    assert "1 of 1 means lie within 2 SE" in table.note
    assert "1 of 1 means lie within 2 SD" in table.note
    assert "single runs, whose number is not named" in table.note


def test_a_single_run_of_ours_is_taken_to_spread_as_theirs(study_data: StudyDataOf) -> None:
    data = study_data(trials=1, seeds=1)
    ours = data.runs.loc[data.runs["arm"] == "frozen", "test/accuracy/all"].item()

    table = table_of(data, result("frozen", "accuracy/all", ours + 0.01, 0.01))

    assert table is not None
    assert table.frame["distance"][0] == pytest.approx(-1 / np.sqrt(1 / 10 + 1))


def test_failed_runs_are_left_out_and_an_arm_without_runs_has_no_distance(study_data: StudyDataOf) -> None:
    data = study_data(trials=2, seeds=2, failed=((0, "frozen", 0),))
    known, unknown = result("frozen", "accuracy/all", 0.5, 0.1), result("frozen", "accuracy/none", 0.5, 0.1)

    table = table_of(data, known, unknown)

    assert table is not None
    assert table.frame["runs"].tolist() == [3, 0]
    assert np.isnan(table.frame["distance"][1])
    assert table.rows[1][-1] == "\N{EN DASH}"
