"""What a reader must know before believing a verdict: what the comparison's own numbers say against it."""

import pandas as pd

from harness.reporting.analysis.budgets import budgets_of
from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, listed, number
from harness.reporting.statistics import interquartile_mean
from harness.reporting.text.commonest_class import what_little_shows
from harness.reporting.text.recipe import said_of_recipe
from harness.reporting.text.verdict import Verdict

__all__ = ["caveats", "caveats_of_comparison"]


def caveats(data: StudyData, comparison: Comparison, account: Account, verdict: Verdict) -> list[str]:
    """Say what the reader must know before believing the verdict."""
    sentences = [*_of_more_than_registered(data), *_of_several(data), *_of_changed_code(data)]
    if account.unfinished:
        sentences.append(
            f"The study is not finished: {count(account.unfinished, 'planned run')} of {data.study.planned_runs:,} "
            f"{'has' if account.unfinished == 1 else 'have'} not ended."
        )
    if account.failed:
        by_arm = listed([f"{arm.failed} under {arm.arm}" for arm in account.arms if arm.failed])
        sentences.append(f"{count(account.failed, 'run')} failed ({by_arm}). {_counted(comparison)}")
    if account.pruned:
        sentences.append(
            f"The pruner gave up {count(account.pruned, 'run')} before the end: the comparison speaks of those "
            "configurations that looked good early, under the arms together."
        )
    sentences += [
        *what_little_shows(data, data.measure(comparison.metric)),
        *_proposed(data),
        *said_of_recipe(data),
        *caveats_of_comparison(data.runs, comparison, data.measure(comparison.metric)),
    ]
    incomplete = account.pairs_planned - account.pairs_compared
    if incomplete:
        sentences.append(
            f"{account.pairs_compared:,} of {count(account.pairs_planned, 'planned pair')} of runs are compared; the "
            f"other {incomplete:,} lack a result under one arm or both."
        )
    if account.forks_shared < account.forks_checked:
        apart = account.forks_checked - account.forks_shared
        sentences.append(f"In {count(apart, 'pair')} the arms did not go on from the same stored state.")
    if comparison.sensitive:
        sentences.append(
            "Sensitive to outliers: the mean and the Hodges-Lehmann estimate do not agree; see the primary comparison."
        )
    sentences += _of_middle(comparison, data.measure(comparison.metric))
    if verdict.kind == "practically equivalent" and comparison.mean.interval and comparison.mean.interval.excludes_zero:
        sentences.append("The interval excludes zero: there is a difference, but one too small to matter.")
    if data.lost:
        sentences.append(
            f"The curves of {count(len(data.lost), 'run')} are missing: their histories are not in the store."
        )
    return sentences


def _of_middle(comparison: Comparison, measure: Measure) -> list[str]:
    """Say that the mean of the middle half may be zero, where the mean's own interval excludes it."""
    own = comparison.mean.interval
    if own is None or not own.excludes_zero:
        return []
    middle = interquartile_mean(comparison.configurations["difference"].tolist()).interval
    if middle is None or middle.excludes_zero:
        return []
    ends = f"{measure.difference(middle.low)} to {measure.difference(middle.high)}"
    return [f"The interquartile mean's 95 % interval, {ends}, includes zero, which the mean's does not."]


def _of_changed_code(data: StudyData) -> list[str]:
    """Say that runs were made by different code under the same name."""
    if data.ledger is None or not data.ledger.changed_code:
        return []
    kinds = listed(list(data.ledger.changed_code))
    return [f"The code of {kinds} changed when some runs had completed, so not all runs were made by the same code."]


def _of_more_than_registered(data: StudyData) -> list[str]:
    """Say that the study went on after the number of runs that was registered."""
    whole = data.searched or data
    registration = whole.ledger.registration if whole.ledger else None
    if registration is None:
        return []
    now = [whole.study.trials, whole.study.seeds]
    names = ("trials", "seeds")
    then = [int(registration.content.get(name, size)) for name, size in zip(names, now, strict=True)]
    if not any(planned < found for planned, found in zip(then, now, strict=True)):
        return []
    sizes = [f"{count(trials, 'configuration')} with {count(seeds, 'seed')}" for trials, seeds in (then, now)]
    return [
        f"{sizes[0]} were registered, and the study went on to {sizes[1]}. Who looks at a verdict before going on "
        "finds differences that are not there more often than the interval says."
    ]


def _of_several(data: StudyData) -> list[str]:
    """Say that the study is one of several that might have been reported on instead."""
    if data.ledger is None or data.ledger.alike < 2:
        return []
    return [
        f"The home holds {data.ledger.alike:,} studies of this task, this network and these arms, and this is one of "
        "them: the best of several says less than its interval."
    ]


def _proposed(data: StudyData) -> list[str]:
    """Say who chose the configurations, if they are no fair sample of the searched space."""
    sampler = data.study.spec.sampler.kind
    sentences = []
    if not data.fair:
        sentences.append(
            f"The configurations were proposed by {sampler}, which prefers good ones: mean and interval speak of "
            "these, not of the searched space."
        )
    if given := len(data.study.spec.baselines):
        were = "was" if given == 1 else "were"
        sentences.append(f"{count(given, 'configuration')} of the comparison {were} given, not drawn.")
    return sentences


def _counted(comparison: Comparison) -> str:
    if comparison.failure_value is None:
        return "Failed runs are not in the comparison, which flatters an arm that fails more often."
    return "Those that diverged count as a guess, those that failed otherwise are not in the comparison."


def caveats_of_comparison(runs: pd.DataFrame, comparison: Comparison, measure: Measure) -> list[str]:
    """Return what a reader must know before believing the comparison, as sentences; none of it stops a report."""
    sentences = (
        _no_spread(comparison),
        _one_seed(comparison),
        _shared_seeds(comparison),
        _unequal_seeds(comparison),
        _repeated(comparison),
        _unequal_budgets(runs, comparison),
        _imputed(comparison, measure),
    )
    return [sentence for sentence in sentences if sentence]


def _no_spread(comparison: Comparison) -> str:
    if comparison.mean.interval is None or comparison.mean.spreads:
        return ""
    return (
        "All configurations show the same difference, to the last digit, so the interval is a point. Real runs differ: "
        "look whether the arms do anything different, and whether the metric can still move."
    )


def _one_seed(comparison: Comparison) -> str:
    seeds = comparison.configurations["seeds"]
    if not len(seeds) or seeds.max() > 1 or comparison.mean.layout:
        return ""
    return (
        "Every configuration has one seed: what differs between configurations and what is noise cannot be told apart."
    )


def _shared_seeds(comparison: Comparison) -> str:
    """Say which intervals ignore that configurations share seeds: all but those of means over configurations."""
    if not comparison.mean.layout:
        return ""
    return (
        "Configurations share seeds. The intervals of the verdict and of the secondary endpoints allow for that; all "
        "other intervals and tests of this report take these seeds as given."
    )


def _unequal_seeds(comparison: Comparison) -> str:
    seeds = comparison.configurations["seeds"]
    if not len(seeds) or seeds.min() == seeds.max():
        return ""
    return (
        f"Configurations have between {seeds.min()} and {count(int(seeds.max()), 'seed')}. Each counts once, so those "
        "with fewer seeds bring more noise."
    )


def _repeated(comparison: Comparison) -> str:
    again = comparison.repeats
    if not again:
        return ""
    return (
        f"{count(again, comparison.unit)} {'repeats' if again == 1 else 'repeat'} the searched values of another and "
        f"{'counts' if again == 1 else 'count'} once with it; a larger search space would bring more evidence."
    )


def _unequal_budgets(runs: pd.DataFrame, comparison: Comparison) -> str:
    found = budgets_of(runs, comparison)
    if found is None or found.equal:
        return ""
    first, second = (number(updates, 0) for updates in found.updates)
    return (
        f"The arms did not train equally long: {first} updates under {comparison.first}, {second} under "
        f"{comparison.second}, on average."
    )


def _imputed(comparison: Comparison, measure: Measure) -> str:
    if not comparison.imputed or comparison.failure_value is None:
        return ""
    hold = "holds" if comparison.imputed == 1 else "hold"
    return (
        f"{count(comparison.imputed, 'pair')} {hold} a run that diverged and counts as "
        f"{measure.amount(comparison.failure_value)}. A few such runs can decide a mean: compare it with the completed "
        "runs alone, and with the rate of collapse."
    )
