import numpy as np
import pandas as pd
import pytest

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.analysis.sampling_error import SamplingError
from harness.reporting.data.measures import measure_of
from harness.reporting.statistics import (
    Interval,
    MeanError,
    MeanEstimate,
    hodges_lehmann,
    mean_estimate,
    t_quantile,
)
from harness.reporting.text.sampling_error import after_verdict, both_errors, in_words

MEASURE = measure_of("test/accuracy/all")
FOUND = SamplingError(0.0059, 0.0116, 535, 535, 36)


def test_the_verdict_is_followed_by_what_another_test_set_would_change() -> None:
    assert after_verdict(FOUND, MEASURE) == (
        "The interval is over configurations and seeds; another test set of 535 examples would move the difference by "
        "\N{PLUS-MINUS SIGN}1.16 percentage points (95 %) besides."
    )


def test_of_a_tuned_study_the_interval_is_over_replicates() -> None:
    assert after_verdict(FOUND, MEASURE, "replicate").startswith("The interval is over replicates and seeds;")
    assert "other replicates and seeds" in in_words(FOUND, MEASURE, "replicate")[0]


@pytest.mark.parametrize("error", [None, SamplingError(reason="the metric is no mean over test examples")])
def test_nothing_follows_a_verdict_where_nothing_is_known(error: SamplingError | None) -> None:
    assert after_verdict(error, MEASURE) == ""


def test_words_say_what_it_covers_and_which_units_there_are() -> None:
    alone = " ".join(in_words(FOUND, MEASURE))
    grouped = " ".join(in_words(SamplingError(0.02, 0.05, 1439, 12, 36), MEASURE))

    assert "standard error of 0.59 percentage points" in alone
    assert "group" not in alone
    assert "1,439 examples in 12 groups" in grouped
    assert "groups are the units" in grouped


def test_words_say_why_there_is_none() -> None:
    assert in_words(None, MEASURE) == []
    assert in_words(SamplingError(reason="of this"), MEASURE) == [
        "The sampling error of the test set is not given: of this."
    ]


def of(mean: float, se: float) -> Comparison:
    half = t_quantile(0.95, 11) * se
    interval = Interval(mean - half, mean + half, 0.95)
    found = MeanEstimate(mean, se * 12**0.5, 12, interval, None, MeanError(se, 11))
    empty = pd.DataFrame()
    return Comparison("unfrozen", "frozen", "test/accuracy/all", empty, empty, found, hodges_lehmann([mean] * 12))


@pytest.mark.parametrize(
    ("se", "smallest", "end"),
    [
        (0.0062, 0.01, "+0.18 to +5.42, which does not rule out less than the smallest effect that matters."),
        (0.0062, 0.001, "+0.18 to +5.42."),
        (0.0110, 0.001, ""),  # configurations move it by more
    ],
)
def test_a_test_set_that_moves_the_difference_more_than_configurations_do_widens_the_interval(
    se: float, smallest: float, end: str
) -> None:
    grouped = SamplingError(0.0110, 0.0236, 1582, 15, 36)

    said = both_errors(grouped, of(0.0280, se), MEASURE, smallest)

    assert said.endswith(end)
    assert bool(said) == bool(end)


def test_an_interval_that_reaches_zero_with_the_test_set_says_so() -> None:
    assert both_errors(SamplingError(0.0140, 0.0300, 1582, 15, 36), of(0.0280, 0.0062), MEASURE, 0.01).endswith(
        ", which includes zero."
    )


def test_both_errors_together_cover_new_configurations_on_new_examples() -> None:
    stream, held = np.random.default_rng(0), 0
    for _ in range(400):
        effects = 0.5 * stream.normal(size=(12, 1)) + stream.normal(size=15) + 0.5 * stream.normal(size=(12, 15))
        found = mean_estimate(effects.mean(axis=1).tolist())
        error = SamplingError(effects.mean(axis=0).std(ddof=1) / 15**0.5, 1.0, 15, 15, 12)
        both = error.with_configurations(found)
        assert both is not None
        held += both.low < 0 < both.high

    assert 0.93 < held / 400 < 0.99
