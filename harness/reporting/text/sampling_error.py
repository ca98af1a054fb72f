"""What is said of the sampling error of the test set, beside the interval."""

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.analysis.sampling_error import SamplingError
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count
from harness.reporting.statistics import Interval

__all__ = ["after_verdict", "both_errors", "in_words"]

LINEAR = "A mean over classes is no mean over examples: this is the error of its linear approximation."


def after_verdict(error: SamplingError | None, measure: Measure, unit: str = "configuration") -> str:
    """Return a sentence that follows the verdict, or an empty string where nothing is known.

    `unit` is what the interval is over, as in `Comparison`.
    """
    if error is None or error.half_width is None:
        return ""
    return (
        f"The interval is over {unit}s and seeds; another test set of {_size(error)} would move the difference "
        f"by \N{PLUS-MINUS SIGN}{measure.size(error.half_width)} (95 %) besides."
    )


def both_errors(error: SamplingError | None, comparison: Comparison, measure: Measure, smallest_effect: float) -> str:
    """Say what is left of the verdict where the test set moves the difference by more than configurations do."""
    own = comparison.mean.interval
    if error is None or error.half_width is None or own is None or error.half_width <= (own.high - own.low) / 2:
        return ""
    both = error.with_configurations(comparison.mean)
    if both is None:
        return ""
    return (
        f"That is more than the {comparison.unit}s do: allowing for both, the 95 % interval of the difference "
        f"{comparison.first} minus {comparison.second} is {measure.difference(both.low)} to "
        f"{measure.difference(both.high)}{_but(own, both, smallest_effect)}."
    )


def _but(own: Interval, both: Interval, smallest_effect: float) -> str:
    """Say what the interval over configurations shows that the wider one does not."""
    if own.excludes_zero and not both.excludes_zero:
        return ", which includes zero"
    beyond = [min(abs(interval.low), abs(interval.high)) > smallest_effect for interval in (own, both)]
    if own.excludes_zero and beyond == [True, False]:
        return ", which does not rule out less than the smallest effect that matters"
    return ""


def in_words(error: SamplingError | None, measure: Measure, unit: str = "configuration") -> list[str]:
    """Return the sentences that explain the number, or say why there is none; `unit` as in `after_verdict`."""
    if error is None:
        return []
    if error.standard_error is None or error.half_width is None:
        return [f"The sampling error of the test set is not given: {error.reason}."]
    grouped = error.groups < error.examples
    return [
        f"The test set is a sample, too: over {_size(error)}, with the mean over {count(error.pairs, 'pair')} of runs "
        f"for each, the difference has a standard error of {measure.size(error.standard_error)}, "
        f"\N{PLUS-MINUS SIGN}{measure.size(error.half_width)} at 95 %. This covers other test sets of this size, seen "
        f"by the same runs; the interval covers other {unit}s and seeds, with the same test set. Neither holds the "
        "other.",
        *([LINEAR] if error.linear else []),
        *(["Examples of one group are no independent evidence, so groups are the units."] if grouped else []),
    ]


def _size(error: SamplingError) -> str:
    examples = count(error.examples, "example")
    return examples if error.groups == error.examples else f"{examples} in {count(error.groups, 'group')}"
