import math
from dataclasses import replace

import pytest

from harness.reporting.data.study_data import StudyData
from harness.reporting.verification.claim_size import ClaimSize, claim_size
from harness.reporting.verification.retrained_metrics import MetricDifference
from harness.staging.study_spec import StudySpec


def of(data: StudyData, smallest: float) -> ClaimSize:
    spec = StudySpec({**data.study.spec, "smallest_effect": smallest})
    return claim_size(replace(data, study=replace(data.study, spec=spec)))


def test_the_smaller_of_smallest_effect_and_half_of_the_interval_counts(finished_data: StudyData) -> None:
    small, large, none = (of(finished_data, size) for size in (1e-9, 10.0, 0.0))

    assert (small.size, small.what) == (1e-9, "the smallest effect that matters")
    assert (large.what, large) == ("half of the interval's width", none)
    assert 0 < large.size < 10


@pytest.mark.parametrize(("found", "covered"), [(0.5002, True), (0.501, False), (math.nan, False)])
def test_a_twentieth_of_the_claim_is_covered(found: float, covered: bool) -> None:
    assert ClaimSize(0.005, "x").covers(MetricDifference("test/accuracy/all", 0.5, found)) == covered


def test_where_nothing_is_claimed_nothing_is_covered() -> None:
    apart = MetricDifference("test/accuracy/all", 0.5, 0.6)

    assert (ClaimSize().covers(apart), ClaimSize()(apart)) == (False, "")
