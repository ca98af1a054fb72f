"""What the primary comparison says, in one sentence that anyone can read."""

from dataclasses import dataclass
from typing import Literal

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count, number
from harness.reporting.statistics import MINIMUM_UNITS, Interval, equivalent, units_that_settle

__all__ = ["Kind", "Verdict", "judge"]

Kind = Literal[
    "meaningfully better",
    "better",
    "better, possibly trivially",
    "practically equivalent",
    "worse, possibly trivially",
    "worse",
    "meaningfully worse",
    "inconclusive",
    "not enough data",
    "no data",
]


@dataclass(frozen=True)
class Verdict:
    """The answer.

    Attributes:
        kind: how the first arm of the comparison fares against the second.
        sentence: the same in plain words, with size, interval and numbers.
        settles_at: if inconclusive, from how many configurations on it could not be, at the spread seen here.
    """

    kind: Kind
    sentence: str
    settles_at: int | None = None


def judge(comparison: Comparison, measure: Measure, smallest_effect: float) -> Verdict:
    """Derive the verdict from the intervals alone."""
    kind = _kind(comparison, measure, smallest_effect)
    if kind == "no data":
        return Verdict(kind, _no_data(comparison, measure))
    if kind == "not enough data":
        return Verdict(kind, _not_enough(comparison, measure))
    if kind == "inconclusive":
        settles_at = units_that_settle(comparison.mean.sd_with_own_seeds, smallest_effect)
        return Verdict(kind, _inconclusive(comparison, measure, smallest_effect, settles_at), settles_at)
    if kind == "practically equivalent":
        return Verdict(kind, _equivalent(comparison, measure, smallest_effect))
    return Verdict(kind, _different(comparison, measure, smallest_effect, meaningful="meaningfully" in kind))


def _kind(comparison: Comparison, measure: Measure, smallest_effect: float) -> Kind:
    if comparison.mean.units == 0 or comparison.identical:
        return "no data"
    interval = comparison.mean.interval
    if interval is None:
        return "not enough data"
    better = (comparison.mean.mean > 0) == measure.higher_is_better
    beyond = min(abs(interval.low), abs(interval.high)) > smallest_effect > 0
    if beyond and interval.excludes_zero:
        return "meaningfully better" if better else "meaningfully worse"
    if equivalent(comparison.mean, smallest_effect):
        return "practically equivalent"
    if interval.excludes_zero:
        found: tuple[Kind, Kind] = ("better", "worse")
        if smallest_effect:
            found = ("better, possibly trivially", "worse, possibly trivially")
        return found[0] if better else found[1]
    return "inconclusive"


def _different(comparison: Comparison, measure: Measure, smallest_effect: float, *, meaningful: bool) -> str:
    higher, lower = _by_value(comparison)
    better, other = (higher, lower) if measure.higher_is_better else (lower, higher)
    how = "meaningfully better than" if meaningful else "better than"
    smallest = f"the smallest effect that matters, {measure.size(smallest_effect)}"
    end = f"all of it beyond {smallest}" if meaningful else f"which does not rule out less than {smallest}"
    if not smallest_effect:
        end = "and the study does not say how small a difference would not matter"
    return (
        f"{_capital(better)} is {how} {other}: {measure.title} is {measure.size(comparison.mean.mean)} "
        f"{'higher' if measure.higher_is_better else 'lower'} on average ({_interval(comparison, measure)}, {end}), "
        f"over {_numbers(comparison, measure)}."
    )


def _equivalent(comparison: Comparison, measure: Measure, smallest_effect: float) -> str:
    narrow = comparison.mean.narrow
    assert narrow is not None
    return (
        f"{_capital(comparison.first)} and {comparison.second} are practically equivalent: {measure.title} is "
        f"{_standing(comparison, measure)} on average, and the "
        f"{_reach(narrow, comparison, measure)} lies within the smallest effect that matters, "
        f"±{measure.size(smallest_effect)} ({_interval(comparison, measure)}), over {_numbers(comparison, measure)}."
    )


def _inconclusive(comparison: Comparison, measure: Measure, smallest_effect: float, settles_at: int | None) -> str:
    units = f"{comparison.unit}s"
    own = " with seeds of their own" if comparison.mean.layout else ""
    needed = f"more than 10,000 {units}{own}"
    if settles_at is not None:
        more = "" if own else f", {settles_at - comparison.mean.units:,} more than now,"
        needed = f"about {settles_at:,} {units}{own}{more}"
    settles = (
        f"With the spread seen here, {needed} would settle it against a smallest effect of "
        f"{measure.size(smallest_effect)}."
        if smallest_effect
        else "How many would settle it cannot be said, since the study does not say how small a difference matters."
    )
    zero = "differences either way" if _looks_equal(comparison, measure) else "zero"
    return (
        f"Inconclusive: {measure.title} is {_standing(comparison, measure)} on average, but the "
        f"{_interval(comparison, measure)} includes {zero}, over {_numbers(comparison, measure)}. {settles}"
    )


def _not_enough(comparison: Comparison, measure: Measure) -> str:
    needs = f"{MINIMUM_UNITS} {comparison.unit}s that completed under both arms"
    if comparison.mean.layout:
        needs = "more seeds where configurations share them, since a seed may move all of them alike"
    return (
        f"Not enough data for a verdict: an interval needs {needs}, and there "
        f"{'is' if comparison.mean.units == 1 else 'are'} {_numbers(comparison, measure)}. So far {measure.title} is "
        f"{_standing(comparison, measure)}."
    )


def _standing(comparison: Comparison, measure: Measure) -> str:
    """Say under which arm the mean is higher, as far as the digits that are shown tell, and whether that is worse."""
    higher, lower = _by_value(comparison)
    if _looks_equal(comparison, measure):
        digits = f", to {count(measure.decimals, 'decimal')}," if measure.decimals and comparison.mean.mean else ""
        return f"equal{digits} under {comparison.first} and {comparison.second}"
    worse = "" if measure.higher_is_better else ", which is worse,"
    return f"{measure.size(comparison.mean.mean)} higher{worse} under {higher} than under {lower}"


def _looks_equal(comparison: Comparison, measure: Measure) -> bool:
    return measure.size(comparison.mean.mean) == measure.size(0.0)


def _by_value(comparison: Comparison) -> tuple[str, str]:
    arms = comparison.first, comparison.second
    return arms if comparison.mean.mean >= 0 else (arms[1], arms[0])


def _interval(comparison: Comparison, measure: Measure) -> str:
    assert comparison.mean.interval is not None
    return _reach(comparison.mean.interval, comparison, measure)


def _reach(interval: Interval, comparison: Comparison, measure: Measure) -> str:
    """Write an interval in the direction of the sentence, which speaks of the mean as a positive number."""
    low, high = (interval.low, interval.high) if comparison.mean.mean >= 0 else (-interval.high, -interval.low)
    ends = (number(end * measure.factor, measure.decimals) for end in (low, high))
    return f"{interval.level:.0%} interval ".replace("%", " %") + " to ".join(ends)


def _numbers(comparison: Comparison, measure: Measure) -> str:
    seeds = comparison.configurations["seeds"]
    fewest, most = int(seeds.min()), int(seeds.max())
    each = count(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    shared = f", {count(comparison.mean.layout.seeds, 'seed')} in all" if comparison.mean.layout else ""
    return (
        f"{count(comparison.mean.units, comparison.unit)} with {each} each{shared}{_repeats(comparison)}"
        f"{_counted(comparison, measure)}{_left_out(comparison)}"
    )


def _repeats(comparison: Comparison) -> str:
    """Say how many further configurations are not counted."""
    again = comparison.repeats
    verbs = "repeats these and counts" if again == 1 else "repeat these and count"
    return f" ({again:,} more {verbs} once)" if again else ""


def _counted(comparison: Comparison, measure: Measure) -> str:
    """Say what diverged runs count as, where there are any."""
    if not comparison.imputed or comparison.failure_value is None:
        return ""
    value = f"{measure.level(comparison.failure_value)} {measure.level_unit}".strip()
    return f", {count(comparison.imputed, 'pair')} with a diverged run that counts as {value}"


def _left_out(comparison: Comparison) -> str:
    """Say how many failed runs count as nothing, where there are any: what is left out may decide a mean."""
    if not comparison.left_out:
        return ""
    return f", {count(comparison.left_out, 'failed run')} left out"


def _no_data(comparison: Comparison, measure: Measure) -> str:
    arms = f"{comparison.first} and {comparison.second}"
    if comparison.first == comparison.second:
        return f"No data: the study compares {comparison.first} with itself."
    if comparison.identical:
        return f"Nothing to compare: every run under {arms} is the same, to the last digit of what was recorded."
    if comparison.unmeasured:
        runs = count(comparison.unmeasured, "run")
        return f"Nothing to compare: {runs} completed under {arms} without a value of {measure.title}."
    return f"No data yet: no {comparison.unit} has completed under both {comparison.first} and {comparison.second}."


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
