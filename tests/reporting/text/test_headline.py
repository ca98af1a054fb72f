from collections.abc import Callable

import pytest

from harness.reporting.analysis.sampling_error import SamplingError
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.text.headline import headline

StudyDataOf = Callable[..., StudyData]
WHAT = "what another test set of this size adds, 95 %, percentage points"


@pytest.mark.parametrize(
    ("trials", "error", "expected"),
    [
        (5, SamplingError(0.0059, 0.0116, 535, 535, 36), "\N{PLUS-MINUS SIGN}1.16"),
        (5, SamplingError(reason="the metric is no mean over test examples"), None),
        (5, None, None),
        (4, SamplingError(0.0059, 0.0116, 535, 535, 36), None),  # beside no interval, either
    ],
)
def test_what_another_test_set_adds_stands_beside_the_interval(
    study_data: StudyDataOf, trials: int, error: SamplingError | None, expected: str | None
) -> None:
    context = ReportContext(study_data(trials=trials, seeds=2))

    found = headline(context.data, context.comparison, context.account, context.measure, error)

    assert {what: value for value, what in found}.get(WHAT) == expected
