import numpy as np
import pandas as pd
import pytest

from harness.reporting.data.missing_results import diverged, failure_value, results_of
from harness.staging.study_spec import StudySpec

METRIC = "test/accuracy/all"
ENDS = pd.DataFrame(
    [
        ("completed", "", 0.9),
        ("completed", "", np.nan),
        ("completed", "", np.inf),
        ("failed", "diverged: total is nan at step 3", np.nan),
        ("failed", "DivergedError: total is nan at step 3", np.nan),
        ("failed", "out of memory", np.nan),
        ("running", "", 0.5),
    ],
    columns=["status", "reason", METRIC],
)


def spec(**task: object) -> StudySpec:
    return StudySpec({"metric": "accuracy/all", "base": {"task": task}})


def test_only_what_diverged_has_failed_because_of_its_arm() -> None:
    assert diverged(ENDS).tolist() == [False, False, False, True, True, False, False]


def test_what_diverged_counts_and_what_has_no_result_does_not() -> None:
    values = results_of(ENDS, METRIC, failed_as=0.1)

    assert values.tolist() == pytest.approx([0.9, np.nan, np.nan, 0.1, 0.1, np.nan, np.nan], nan_ok=True)


def test_without_a_value_for_failures_they_do_not_count() -> None:
    assert results_of(ENDS, METRIC).tolist() == pytest.approx([0.9] + [np.nan] * 6, nan_ok=True)


def test_a_metric_that_no_run_has_leaves_what_diverged() -> None:
    assert results_of(ENDS, "test/new", failed_as=0.0)[3:5].tolist() == [0.0, 0.0]


def test_the_frame_is_left_as_it_is() -> None:
    before = ENDS.copy()

    results_of(ENDS, METRIC, failed_as=0.1)

    pd.testing.assert_frame_equal(ENDS, before)


def test_runs_without_reasons_have_not_diverged() -> None:
    assert not diverged(ENDS.drop(columns="reason")).any()


@pytest.mark.parametrize("metric", ["test/accuracy/all", "test/accuracy/late", "val/accuracy/all"])
def test_a_failure_is_a_guess_among_the_classes_of_all_heads(metric: str) -> None:
    classes = {"known": [0, 1, 2, 3, 4, 5], "late": [6, 7, 8, 9]}

    assert failure_value(spec(classes=classes), metric) == pytest.approx(0.1)


@pytest.mark.parametrize("metric", ["test/forgetting", "test/loss/total", "cost/seconds"])
def test_metrics_without_a_natural_floor_have_no_failure_value(metric: str) -> None:
    assert failure_value(spec(classes={"known": [0, 1]}), metric) is None


def test_a_task_of_unknown_classes_is_not_guessed_at_all() -> None:
    assert failure_value(spec(), METRIC) == 0.0


def test_the_studys_own_failure_value_goes_first_on_the_metric_that_decides() -> None:
    declared = StudySpec({**spec(classes={"known": [0, 1]}), "failure_value": 0.25})

    assert failure_value(declared, METRIC) == 0.25
    assert failure_value(declared, "test/accuracy/known") == 0.5
