"""A metric that a study names itself, in all that a report shows of it."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.learning_curves import learning_curves_figure
from harness.reporting.tables.outcomes import outcomes_table
from harness.staging.study_spec import StudySpec

StudyDataOf = Callable[..., StudyData]
NAMED = {
    "f1": {"kind": "macro_f1", "unit": "%", "title": "macro-averaged F1", "direction": "maximize"},
    "calibration": {"kind": "calibration_error", "unit": "%", "title": "calibration error", "direction": "minimize"},
}


def with_metrics(data: StudyData, metric: str) -> StudyData:
    """Return the study with two named metrics, each a copy of the accuracy, one of which decides."""
    accuracy = data.runs["test/accuracy/all"]
    runs = data.runs.assign(**{"test/f1/all": accuracy - 0.1, "test/calibration/all": 0.1 * accuracy})
    curves = data.curves[data.curves["name"].astype(str) == "val/accuracy/all"]
    names = {"val/f1/all": 0.9, "val/calibration/all": 0.1}
    more = [curves.assign(name=name, value=curves["value"] * factor) for name, factor in names.items()]
    spec = data.study.spec
    training = {**(spec.base.get("training") or {}), "metrics": NAMED}
    spec = StudySpec({**spec, "base": {**spec.base, "training": training}, "metric": metric})
    every = pd.concat([data.curves, *more], ignore_index=True)
    return replace(data, runs=runs, curves=every, study=replace(data.study, spec=spec))


@pytest.mark.usefixtures("figures_undrawn")
def test_tables_and_curves_show_it_in_its_unit(study_data: StudyDataOf) -> None:
    context = ReportContext(with_metrics(study_data(trials=6, seeds=2), "f1/all"))

    table, figure = outcomes_table(context), learning_curves_figure(context)

    assert table is not None
    assert figure is not None
    outcomes = {row[0]: row[1] for row in table.rows}
    assert list(outcomes)[:3] == [
        "macro-averaged F1 over all classes",
        "calibration error over all classes",
        "accuracy over all classes",
    ]
    assert set(list(outcomes.values())[:3]) == {"%"}
    assert "(macro-averaged F1 (%), accuracy (%) and calibration error (%))" in figure.caption


def test_its_direction_decides_which_arm_is_better(study_data: StudyDataOf) -> None:
    data = study_data(trials=6, seeds=2)

    higher, lower = (ReportContext(with_metrics(data, metric)) for metric in ("f1/all", "calibration/all"))

    assert (higher.measure.higher_is_better, lower.measure.higher_is_better) == (True, False)
    assert higher.verdict.kind != lower.verdict.kind
    assert "test calibration error over all classes" in lower.verdict.sentence
