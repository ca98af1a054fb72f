import math

import pytest

from harness.reporting.verification.retrained_metrics import (
    MetricDifference,
    deciding_metric,
    metric_differences,
    other_columns,
)


def test_test_metrics_are_named_first() -> None:
    row = {"val/loss/total": 1.0, "test/loss/total": 1.0, "cost/seconds": 3.0, "param/width": 4}

    assert [one.name for one in metric_differences(row, {})] == ["test/loss/total", "val/loss/total"]


def test_a_metric_that_neither_side_has_is_no_difference() -> None:
    assert metric_differences({"test/accuracy/late": math.nan}, {}) == []


@pytest.mark.parametrize(
    ("name", "found", "tolerance", "near"),
    [
        ("test/accuracy/all", 0.509, None, True),
        ("test/accuracy/all", 0.52, None, False),
        ("test/mae/load", 0.503, None, True),
        ("test/mae/load", 0.508, None, False),
        ("test/accuracy/all", 0.501, 1e-9, False),
        ("test/accuracy/all", math.nan, None, False),
    ],
)
def test_a_share_may_be_off_by_a_point_and_an_error_by_a_hundredth(
    name: str, found: float, tolerance: float | None, near: bool
) -> None:
    assert MetricDifference(name, 0.5, found).is_within(tolerance) == near


def test_validation_decides_where_test_data_were_never_seen() -> None:
    row = {"val/accuracy/all": 0.5, "test/accuracy/all": math.nan}

    assert deciding_metric(row, "accuracy/all") == "val/accuracy/all"


def test_other_frozen_tensors_are_told() -> None:
    row = {"frozen_before_sha256": "a", "frozen_after_sha256": "a"}

    assert other_columns(row, [], ("a", "b")) == "frozen_after_sha256: the recorded digest is not the one found"
    assert other_columns(row, [], ("", "")) == ""
