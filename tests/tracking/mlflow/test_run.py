from collections.abc import Callable
from dataclasses import replace

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.entry import run_entry
from harness.tracking.content.points import Point
from harness.tracking.mlflow.rows import RowConnection
from harness.tracking.mlflow.run import MlflowRun

KNOWN = MlflowRun("id", "name", 1_000_000, "RUNNING", {}, {}, (), has_inputs=False)


def test_points_are_spread_over_the_time_that_the_run_took(
    study: StudyRecord, make_run: Callable[..., RunRecord], history: History
) -> None:
    entry = run_entry(study, make_run(metrics={"cost/seconds": 8.0, "cost/steps": 40.0}), history, "all")

    times = KNOWN.points_of(entry, entry.metrics)

    assert times[Point("train/loss/total", 1, 1.0)] == 1_000_200
    assert times[Point("train/loss/total", 40, 1 / 40)] == 1_008_000


def test_a_param_with_another_value_is_a_contradiction(
    study: StudyRecord, run: RunRecord, history: History, rows: RowConnection
) -> None:
    entry = run_entry(study, run, history)

    for params, contradicts in [({"width": "16"}, False), ({"width": "32"}, True), ({"unknown": "1"}, False)]:
        known = replace(KNOWN, params=params, points=set())
        assert known.contradicts(rows, entry) == contradicts
