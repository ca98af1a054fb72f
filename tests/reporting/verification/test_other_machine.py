import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from harness.core.history import History
from harness.reporting.data.study_data import StudyData
from harness.reporting.verification.claim_size import ClaimSize
from harness.reporting.verification.other_machine import in_what, largest_deviation, machine_differences
from harness.reporting.verification.rerun import ChosenRuns, Rerun, Retrained, rerun
from harness.reporting.verification.retrained_metrics import MetricDifference

HERE, THERE = {"processor": {"model": "EPYC 7"}, "threads": 1}, {"processor": {"model": "EPYC 9"}, "threads": 1}


def curve(values: list[float], steps: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"name": "val/loss", "grown": False, "step": steps, "value": values})


def test_the_largest_deviation_is_relative_beyond_one_and_absolute_below() -> None:
    found = largest_deviation(curve([0.5, 200.0], [1, 2]), curve([0.5 + 1e-7, 200.0 + 1e-4], [1, 2]), [])

    assert found.size == pytest.approx(5e-7)
    assert (found.where, found.equal) == ("val/loss at step 2", True)
    assert found.is_rounding


def test_a_metric_may_deviate_most() -> None:
    metric = MetricDifference("test/accuracy/all", 0.5, 0.75)

    found = largest_deviation(curve([0.5], [1]), curve([0.5], [1]), [metric])

    assert (found.size, found.equal, found.is_rounding) == (0.25, False, False)
    assert "metrics differ, the largest deviation is 2.5e-01, test/accuracy/all: recorded 0.5" in str(found)


def test_a_value_that_one_side_lacks_is_no_rounding() -> None:
    assert not largest_deviation(curve([0.5], [1]), curve([0.5, 0.5], [1, 2]), []).is_rounding


def test_an_older_run_is_known_by_the_processor_of_its_report() -> None:
    differences = ["numpy 2.0 and 2.1", "processor EPYC 7 and EPYC 9"]

    assert machine_differences({}, HERE, differences) == differences[1:]
    assert machine_differences({"machine": json.dumps(HERE)}, HERE, differences) == []
    assert in_what(machine_differences({"machine": json.dumps(HERE)}, THERE, [])) == "processor.model"


def retrained(data: StudyData, here: Mapping[str, Any], loss: float, accuracy: float) -> Rerun:
    """Train a run again whose curve is off by `loss` and whose deciding metric is off by `accuracy`."""
    metric = f"test/{data.study.spec.metric}"
    row = {str(key): value for key, value in data.runs.iloc[0].items()} | {"machine": json.dumps(HERE)}
    curves = data.curves[data.curves["run_id"] == row["run_id"]] if "run_id" in data.curves else data.curves
    mine = curves[(curves["trial"] == row["trial"]) & (curves["arm"] == row["arm"]) & (curves["seed"] == row["seed"])]
    mine = mine[mine["name"].astype(str) == "val/loss/classification"]
    history = History()
    for step, value in mine[~mine["grown"]][["step", "value"]].itertuples(index=False):
        history.record(int(step), {"val/loss/classification": float(value) + loss})
    before = mine[~mine["grown"]]
    metrics = {name: value for name, value in row.items() if "/" in name and not name.startswith("param/")}
    metrics[metric] += accuracy
    growths = [{"step": row["growth_step"], "parameters_added": row["parameters_added"]}]
    again = Retrained([history], "weights", metrics, growths, machine=here)
    claim = ClaimSize(0.005, "the smallest effect that matters")
    (found,) = rerun(ChosenRuns([row], before, data.study.spec.metric, claim=claim), lambda *_: again)
    return found


def test_on_a_machine_of_another_kind_rounding_passes_with_its_size(finished_data: StudyData) -> None:
    found = retrained(finished_data, THERE, 1e-8, 0.0)

    assert found.outcome == "PASS-TOLERANCE"
    assert "every metric is equal, the largest deviation is" in found.what
    assert found.what.endswith("the machines differ in processor.model")


def test_on_the_same_kind_of_machine_it_fails(finished_data: StudyData) -> None:
    assert retrained(finished_data, HERE, 1e-8, 0.0).outcome == "FAIL"


def test_the_deciding_metric_must_be_near_on_any_machine(finished_data: StudyData) -> None:
    assert retrained(finished_data, THERE, 0.0, 0.03).outcome == "FAIL"
    assert retrained(finished_data, THERE, 0.0, 1e-7).outcome == "PASS-TOLERANCE"


def test_more_than_rounding_says_nothing_elsewhere(finished_data: StudyData) -> None:
    assert retrained(finished_data, THERE, 0.5, 0.0).outcome == "CANNOT-RUN"


@pytest.mark.parametrize(("loss", "outcome"), [(0.0, "FAIL"), (1e-6, "FAIL"), (1e-3, "CANNOT-RUN")])
def test_what_would_matter_to_the_claim_never_passes(finished_data: StudyData, loss: float, outcome: str) -> None:
    found = retrained(finished_data, THERE, loss, 0.004)

    assert found.outcome == outcome
    assert "test/accuracy/all is 4.0e-03 apart, 0.8 of the smallest effect that matters, 0.005" in found.what


def test_what_hardly_touches_the_claim_passes_with_its_part_of_it(finished_data: StudyData) -> None:
    found = retrained(finished_data, THERE, 2.6e-7, 1e-4)

    assert found.outcome == "PASS-TOLERANCE"
    assert "0.02 of the smallest effect" in found.what
