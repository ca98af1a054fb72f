from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from harness.reporting.analysis.pareto import weighed
from harness.reporting.context import ReportContext
from harness.reporting.data.columns import ABSENT, PARAM
from harness.reporting.data.curve_frame import curve_frame
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import NOTHING
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.pareto import pareto_figure
from harness.reporting.publication.source_files import read_data, written_data
from harness.reporting.report import report_files
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.trade_offs import trade_offs_table
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

STEPS = {"metric": "cost/steps", "direction": "minimize"}
LATE = {"metric": "accuracy/late", "direction": "maximize"}
ADDED = {"metric": "growth/parameters_added", "direction": "minimize"}


def study_of(
    points: dict[int, tuple[float, float, float] | None], *, objectives: Any = (STEPS,), width: Any = 8
) -> StudyData:
    """Return a study of one seed and two arms; a trial is (validation, test, steps), or failed under one arm."""
    rows = []
    for trial, point in points.items():
        for arm, shift in (("frozen", 0.05), ("unfrozen", -0.05)):
            failed = point is None and arm == "frozen"
            val, test, steps = point or (0.5, 0.5, 100.0)
            metrics = {"val/accuracy/all": val + shift, "test/accuracy/all": test + shift, "cost/steps": steps}
            metrics |= {"val/accuracy/late": 1 - val, "test/accuracy/late": 1 - test}
            rows.append(
                {
                    "trial": trial,
                    "arm": arm,
                    "seed": 0,
                    "run_id": f"{trial}{arm}",
                    "fork": "",
                    "growth_step": 1.0,
                    "status": "failed" if failed else "completed",
                    "reason": "",
                    "config": "{}",
                    "parameters_added": 0.0,
                    PARAM + "width": ABSENT if trial % 2 else width,
                    **(dict.fromkeys(metrics, float("nan")) if failed else metrics),
                }
            )
    space = {"width": {"kind": "int", "field": "w", "low": 1, "high": 9, "step": 1, "when": {"on": [True]}}}
    spec: dict[str, Any] = {
        "name": "s",
        "title": "t",
        "question": "q",
        "base": {},
        "space": space,
        "metric": "accuracy/all",
    }
    spec |= {"arms": {"frozen": {}, "unfrozen": {}}, "comparison": ["frozen", "unfrozen"], "smallest_effect": 0.0}
    frame = pd.DataFrame(rows).astype({PARAM + "width": object})
    curves = curve_frame([])
    record = StudyRecord("s", StudySpec({**spec, "objectives": list(objectives)}), len(points), 1)
    return StudyData(record, frame, curves, (), StudyOrigin("s", ()))


def table_of(data: StudyData) -> ReportTable:
    table = trade_offs_table(ReportContext(data))
    assert table is not None
    return table


def figure_of(data: StudyData) -> ReportFigure:
    figure = pareto_figure(ReportContext(data))
    assert figure is not None
    assert figure.png.startswith(b"\x89PNG")
    return figure


BY_HAND: dict[int, tuple[float, float, float] | None] = {
    0: (0.9, 0.70, 400.0),
    1: (0.8, 0.80, 100.0),
    2: (0.7, 0.60, 200.0),  # dominated by 1
    3: (0.9, 0.70, 400.0),  # the same as 0
    4: None,  # failed under one arm: the other counts, as for the search, with a validation value of 0.45
    5: (0.95, 0.85, 800.0),
}


def test_the_fronts_are_those_found_by_hand() -> None:
    found = weighed(study_of(BY_HAND))

    assert found is not None
    assert found.rows["trial"].tolist() == [0, 1, 2, 3, 4, 5]
    assert found.rows["val/accuracy/all"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.9, 0.45, 0.95])
    assert found.rows.loc[found.rows["front"], "trial"].tolist() == [0, 1, 3, 5]
    # On test data, 1 is better than 0 and 3, and 5 is best of all but takes longest.
    assert found.rows.loc[found.rows["test_front"], "trial"].tolist() == [1, 5]


def test_a_configuration_that_has_not_ended_or_failed_altogether_is_left_out() -> None:
    data = study_of(BY_HAND)
    runs = data.runs[data.runs["run_id"] != "0unfrozen"].copy()
    runs.loc[runs["trial"] == 4, "status"] = "failed"

    found = weighed(StudyData(data.study, runs, data.curves, (), data.origin))

    assert found is not None
    assert found.rows["trial"].tolist() == [1, 2, 3, 5]


@pytest.mark.parametrize("objectives", [(), ({"metric": "cost/seconds", "direction": "minimize"},)])
def test_without_further_objectives_or_values_of_them_there_is_no_front(objectives: Any) -> None:
    data = study_of(BY_HAND, objectives=objectives)

    context = ReportContext(data)
    assert (weighed(data), trade_offs_table(context), pareto_figure(context)) == (None, None, None)


def test_a_study_of_which_nothing_has_ended_has_no_front() -> None:
    data = study_of({4: None})
    nothing = StudyData(data.study, data.runs[data.runs["status"] == "failed"], data.curves, (), data.origin)

    context = ReportContext(nothing)
    assert (trade_offs_table(context), pareto_figure(context)) == (None, None)


def test_the_table_lists_what_is_on_a_front_with_both_splits_and_a_dash_for_what_is_absent() -> None:
    table = table_of(study_of(BY_HAND))

    assert table.head == ("trial", "on the front by", "width", "validation all (%)", "test all (%)", "updates (steps)")
    assert table.rows == (
        ("5", "validation and test", NOTHING, "95.00", "85.00", "800"),
        ("0", "validation", "8", "90.00", "70.00", "400"),
        ("3", "validation", NOTHING, "90.00", "70.00", "400"),
        ("1", "validation and test", NOTHING, "80.00", "80.00", "100"),
    )
    assert len(table.frame) == 6
    assert "better is high accuracy over all classes and low optimizer updates" in table.note


def test_an_error_is_weighed_in_the_unit_of_its_output() -> None:
    points: dict[int, tuple[float, float, float] | None] = {0: (0.5, 0.6, 100.0), 1: (0.4, 0.7, 200.0)}
    data = study_of(points, objectives=({"metric": "rmse/cooling", "direction": "minimize"},))
    data.study.spec["base"] = {"task": {"outputs": {"cooling": {"unit": "kW"}}}}
    errors = {f"{split}/rmse/cooling": data.runs["cost/steps"] / 100 for split in ("val", "test")}

    weighing = replace(data, runs=data.runs.assign(**errors))

    assert table_of(weighing).head[-2:] == ("validation rmse/cooling (kW)", "test rmse/cooling (kW)")
    assert "trial 0 with 50.00 % and 1.000 kW" in figure_of(weighing).alt


def test_the_figure_says_who_is_on_the_front() -> None:
    figure = figure_of(study_of(BY_HAND))

    assert "Each of 6 configurations twice" in figure.caption
    assert "4 configurations are on the Pareto front" in figure.caption
    assert figure.alt.startswith("On the front: trial 0 with 90.00 % and 400 steps, trial 1 with")
    assert figure.data["trial"].tolist() == [0, 1, 2, 3, 4, 5]


def test_many_points_and_several_objectives_are_drawn_too() -> None:
    points: dict[int, tuple[float, float, float] | None] = {
        trial: (0.5 + trial / 200, 0.5 + trial / 210, 100.0 + trial) for trial in range(50)
    }

    figure = figure_of(study_of(points, objectives=(STEPS, LATE)))

    assert "those on the front bear the number of the trial" in figure.caption
    assert figure.alt.endswith("and others.")
    assert figure.png.startswith(b"\x89PNG")
    assert list(figure.data.columns)[1:6] == [
        "val/accuracy/all",
        "test/accuracy/all",
        "cost/steps",
        "val/accuracy/late",
        "test/accuracy/late",
    ]


def test_a_report_without_pairs_shows_the_front_all_the_same() -> None:
    data = study_of(BY_HAND)
    data.study.spec["comparison"] = ["frozen", "frozen"]

    assert not ReportContext(data).compared
    assert figure_of(data).name == "pareto"
    assert table_of(data).name == "trade_offs"


@pytest.mark.usefixtures("figures_undrawn")
def test_a_report_has_the_trade_offs_and_follows_from_its_data(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=6, seeds=1)
    data.study.spec["objectives"] = [ADDED]

    files = report_files(written_data(data, {}))

    again = report_files(written_data(read_data(files), {}))
    assert again == files
    assert b"The best trade-offs" in files["report.md"]
    assert {"tables/trade_offs.csv", "figures/pareto.csv", "figures/pareto.png", "figures/pareto.svg"} <= set(files)
