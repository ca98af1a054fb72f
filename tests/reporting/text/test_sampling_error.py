import pytest

from harness.reporting.analysis.sampling_error import SamplingError
from harness.reporting.data.measures import measure_of
from harness.reporting.text.sampling_error import after_verdict, in_words

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
