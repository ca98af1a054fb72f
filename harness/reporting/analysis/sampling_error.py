"""The test set as a sample: how far the difference would come out otherwise on another one of the same size.

An interval over configurations takes the test examples as given. Here the runs are taken as given, and the examples are
the units: of each, the difference of what it adds to the metric under either arm, averaged over seeds and then over
configurations. Examples of one group stand or fall together, so deviations are summed within groups first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.answers import JOINT
from harness.reporting.analysis.answer_statistics import AnswerStatistic, statistic_of
from harness.reporting.analysis.pairing import Comparison
from harness.reporting.analysis.repeats import counted_once
from harness.reporting.data.measures import kind_of, metric_named
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import LEVEL, MINIMUM_UNITS, Interval, MeanEstimate, t_quantile

__all__ = ["SamplingError", "contradicted", "sampling_error"]

ROUNDING = 1e-6  # of errors, which are kept in 32 bits
LAST_BITS = 1e-14  # of means over classes, whatever the order of their sum; a mean over examples is exact
Values = NDArray[np.float64]
Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class SamplingError:
    """How far the difference would come out otherwise on other test sets, in the metric's stored unit.

    Attributes:
        standard_error: of the mean paired difference over examples; None where `reason` says why.
        half_width: of its 95 % interval.
        examples: that the metric is over.
        groups: of these examples; as many as examples where each stands alone.
        pairs: of runs over which an example's difference is averaged.
        linear: whether the metric is a mean over classes, which varies as its linear approximation does.
    """

    standard_error: float | None = None
    half_width: float | None = None
    examples: int = 0
    groups: int = 0
    pairs: int = 0
    reason: str = ""
    linear: bool = False

    def with_configurations(self, mean: MeanEstimate) -> Interval | None:
        """Return the 95 % interval of the mean that allows for other configurations and for other test sets.

        Variances of independent sources add up; degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946).
        What only some configurations make of some examples is in both variances, so the interval is rather too wide
        than too narrow (two-way cluster-robust variance, Cameron, Gelbach and Miller, JBES 29, 2011; Owen, arXiv
        0712.1111). None where either error is not known.
        """
        own = mean.error
        if own is None or mean.interval is None or self.standard_error is None or self.groups < MINIMUM_UNITS:
            return None
        parts = ((own.se**2, own.df), (self.standard_error**2, self.groups - 1))
        variance = sum(part for part, _ in parts)
        if not variance > 0:
            return None
        df = variance**2 / sum(part**2 / freedom for part, freedom in parts)
        half = t_quantile(LEVEL, df) * float(np.sqrt(variance))
        return Interval(mean.mean - half, mean.mean + half, LEVEL)


@dataclass(frozen=True)
class _Asked:
    """What a metric is computed from.

    Attributes:
        chosen: which rows of `AnswerFrames.examples`.
        classes: that a mean over classes is over; None for all that have examples.
    """

    statistic: AnswerStatistic
    chosen: Chosen
    classes: NDArray[np.integer] | None = None


def sampling_error(data: StudyData, comparison: Comparison) -> SamplingError | None:
    """Return the sampling error of the primary difference; None for runs that kept no answers."""
    metric, asked = comparison.metric, _asked_for(data, comparison.metric)
    if data.answers is None or not comparison.mean.units:
        return None
    if asked is None:
        own = metric_named(metric.partition("/")[2], data.study.spec.metrics)
        what = "does not follow from the answers that were kept" if own else "is no mean over test examples"
        return SamplingError(reason=f"the metric {what}")
    pairs = _completed(data.runs, comparison)
    if not len(pairs):
        return SamplingError(reason="no pair of runs completed under both arms")
    found = _by_run(data, asked, {*pairs["first"], *pairs["second"]})
    if lacking := len({*pairs["first"], *pairs["second"]} - found.keys()):
        return SamplingError(reason=f"{lacking:,} of the compared runs kept no answers")
    if wrong := _other_values(data.runs, metric, found):
        return SamplingError(reason=f"the answers of {len(wrong):,} compared runs do not come to the recorded metric")
    shares = {run: values for run, (_, values) in found.items()}
    groups = data.answers.examples["group"].to_numpy()[asked.chosen]
    over = _over_examples(_mean_difference(pairs, shares), groups, len(pairs))
    return replace(over, linear=asked.statistic.by_class)


def contradicted(data: StudyData) -> list[str]:
    """Return the completed runs whose answers do not come to the value of the primary metric that was recorded.

    Where the metric speaks of one head alone, which may have got more classes than it had, none is returned.
    """
    metric = f"test/{data.study.spec.metric}"
    asked = _asked_for(data, metric)
    if data.answers is None or asked is None or metric not in data.runs:
        return []
    if not asked.chosen.all() or asked.classes is not None:
        return []
    found = _by_run(data, asked, set(data.runs["run_id"]))
    if "error" in data.answers.states:
        return _other_values(data.runs, metric, found)
    return _other_values(data.runs, metric, found, LAST_BITS if asked.statistic.by_class else 0.0)


def _asked_for(data: StudyData, metric: str) -> _Asked | None:
    """Return what a metric is computed from; None if answers do not tell it."""
    if data.answers is None:
        return None
    spec, name = data.study.spec, metric.partition("/")[2]
    part, examples, classified = name.partition("/")[2], data.answers.examples, "answer" in data.answers.states
    statistic = statistic_of(kind_of(name, spec.metrics), classified=classified)
    if statistic is None:
        return None
    every = np.ones(len(examples), dtype=bool)
    outputs = spec.task.get("outputs") or {}
    heads: Mapping[str, Any] = spec.task.get("classes") or {}
    if statistic.by_class and not _is_by_label(part, heads, outputs):
        return None
    if not classified or part == JOINT or part in outputs:
        return _Asked(statistic, every)
    own = [label for column in heads.get(part, ()) for label in _labels(column)]
    if not own:
        return None
    if statistic.by_class:
        return _Asked(statistic, every, np.array(own))
    return _Asked(statistic, examples["truth"].isin(own).to_numpy())


def _is_by_label(part: str, heads: Mapping[str, Any], outputs: Mapping[str, Any]) -> bool:
    """Whether each class has a column of its own, so that answers tell what was counted by column."""
    if part in outputs:
        return bool(outputs[part].get("kind") == "classes")
    return all(len(_labels(column)) == 1 for columns in heads.values() for column in columns)


def _labels(column: Any) -> tuple[int, ...]:
    return tuple(column) if isinstance(column, list | tuple) else (column,)


def _by_run(data: StudyData, asked: _Asked, runs: set[str]) -> dict[str, tuple[float, Values]]:
    """Return by run the metric, and what each of the chosen examples adds to it."""
    assert data.answers is not None
    states = data.answers.states[data.answers.states["state"].isin(runs)]
    column = "error" if "error" in states else "answer"
    truth = data.answers.examples["truth"].to_numpy()[asked.chosen] if column == "answer" else None
    return {
        run: asked.statistic.parts(values[asked.chosen], truth, asked.classes)
        for run, values in zip(states["state"], states[column], strict=True)
    }


def _completed(runs: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """Return `trial, first, second`, the ids of the runs of each compared pair that both completed.

    A configuration that repeats another is part of that one, as in the comparison.
    """
    completed = runs.loc[runs["status"] == "completed", ["trial", "seed", "arm", "run_id"]]
    pairs = comparison.pairs[["trial", "seed"]]
    for role in ("first", "second"):
        own = completed[completed["arm"] == getattr(comparison, role)].drop(columns="arm")
        pairs = pairs.merge(own.rename(columns={"run_id": role}), on=["trial", "seed"])
    return counted_once(pairs, runs, comparison.first)


def _other_values(
    runs: pd.DataFrame, metric: str, found: Mapping[str, tuple[float, Values]], rounding: float = ROUNDING
) -> list[str]:
    recorded = runs.drop_duplicates("run_id").set_index("run_id")[metric].astype(np.float64)
    return [run for run, (value, _) in found.items() if not _is_near(value, float(recorded[run]), rounding)]


def _is_near(one: float, other: float, rounding: float) -> bool:
    return bool(np.isclose(one, other, rtol=rounding, atol=rounding, equal_nan=True))


def _mean_difference(pairs: pd.DataFrame, shares: Mapping[str, Values]) -> Values:
    """Return `[examples]`: the difference of each, averaged over seeds and then over configurations."""
    by_trial = [
        np.mean(
            [shares[first] - shares[second] for first, second in zip(part["first"], part["second"], strict=True)], 0
        )
        for _, part in pairs.groupby("trial")
    ]
    return np.asarray(np.mean(by_trial, axis=0))


def _over_examples(differences: Values, groups: NDArray[Any], pairs: int) -> SamplingError:
    asked = np.isfinite(differences)
    differences = differences[asked]
    _, of_group = np.unique(groups[asked], return_inverse=True)
    deviations = np.bincount(of_group, weights=differences - differences.mean())
    amount = len(deviations)
    if amount < MINIMUM_UNITS:
        return SamplingError(reason=f"the test set has {amount} groups of examples, and {MINIMUM_UNITS} are needed")
    error = float(np.sqrt(amount / (amount - 1) * np.sum(deviations**2))) / len(differences)
    return SamplingError(error, t_quantile(LEVEL, amount - 1) * error, len(differences), amount, pairs)
