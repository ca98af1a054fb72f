"""The test set as a sample: how far the difference would come out otherwise on another one of the same size.

An interval over configurations takes the test examples as given. Here the runs are taken as given, and the examples are
the units: of each, the difference of what it adds to the metric under either arm, averaged over seeds and then over
configurations. Examples of one group stand or fall together, so deviations are summed within groups first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.answers import JOINT, NOT_ASKED
from harness.reporting.analysis.pairing import Comparison
from harness.reporting.analysis.repeats import counted_once
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import LEVEL, MINIMUM_UNITS, t_quantile

__all__ = ["SamplingError", "contradicted", "sampling_error"]

ROUNDING = 1e-6  # of errors, which are kept in 32 bits
ROOT_MEAN_SQUARE, MEAN_ABSOLUTE, ACCURACY = "rmse", "mae", "accuracy"
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
    """

    standard_error: float | None = None
    half_width: float | None = None
    examples: int = 0
    groups: int = 0
    pairs: int = 0
    reason: str = ""


def sampling_error(data: StudyData, comparison: Comparison) -> SamplingError | None:
    """Return the sampling error of the primary difference; None for runs that kept no answers."""
    metric, chosen = comparison.metric, _examples_of(data, comparison.metric)
    if data.answers is None or not comparison.mean.units:
        return None
    if chosen is None:
        return SamplingError(reason="the metric is no mean over test examples")
    pairs = _completed(data.runs, comparison)
    if not len(pairs):
        return SamplingError(reason="no pair of runs completed under both arms")
    scores = _scores(data, chosen, {*pairs["first"], *pairs["second"]})
    if lacking := len({*pairs["first"], *pairs["second"]} - scores.keys()):
        return SamplingError(reason=f"{lacking:,} of the compared runs kept no answers")
    if wrong := _other_values(data.runs, metric, scores):
        return SamplingError(reason=f"the answers of {len(wrong):,} compared runs do not come to the recorded metric")
    shares = {run: _share(values, metric) for run, values in scores.items()}
    groups = data.answers.examples["group"].to_numpy()[chosen]
    return _over_examples(_mean_difference(pairs, shares), groups, len(pairs))


def contradicted(data: StudyData) -> list[str]:
    """Return the completed runs whose answers do not come to the value of the primary metric that was recorded.

    Where the metric speaks of one head alone, which may have got more classes than it had, none is returned.
    """
    metric = f"test/{data.study.spec.metric}"
    chosen = _examples_of(data, metric)
    if chosen is None or not chosen.all() or metric not in data.runs:
        return []
    return _other_values(data.runs, metric, _scores(data, chosen, set(data.runs["run_id"])))


def _examples_of(data: StudyData, metric: str) -> Chosen | None:
    """Return which rows of `AnswerFrames.examples` a metric is the mean over; None if it is no such mean."""
    if data.answers is None:
        return None
    _, family, part = [*metric.split("/", 2), "", ""][:3]
    examples, task = data.answers.examples, data.study.spec.task
    if family in (ROOT_MEAN_SQUARE, MEAN_ABSOLUTE) and "error" in data.answers.states:
        return np.ones(len(examples), dtype=bool)
    if family != ACCURACY or "answer" not in data.answers.states:
        return None
    if part == JOINT or part in (task.get("outputs") or {}):
        return np.ones(len(examples), dtype=bool)
    heads: Mapping[str, Any] = task.get("classes") or {}
    own = [label for column in heads.get(part, ()) for label in _labels(column)]
    return examples["truth"].isin(own).to_numpy() if own else None


def _labels(column: Any) -> tuple[int, ...]:
    return tuple(column) if isinstance(column, list | tuple) else (column,)


def _scores(data: StudyData, chosen: Chosen, runs: set[str]) -> dict[str, Values]:
    """Return by run the score of each chosen example, `[chosen]`: 1 if right or 0, or its error; NaN if not asked."""
    assert data.answers is not None
    states = data.answers.states[data.answers.states["state"].isin(runs)]
    if "error" in states:
        return {
            run: error[chosen].astype(np.float64) for run, error in zip(states["state"], states["error"], strict=True)
        }
    truth = data.answers.examples["truth"].to_numpy()[chosen]
    answers = {run: answer[chosen] for run, answer in zip(states["state"], states["answer"], strict=True)}
    return {run: np.where(answer == NOT_ASKED, np.nan, answer == truth) for run, answer in answers.items()}


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


def _other_values(runs: pd.DataFrame, metric: str, scores: Mapping[str, Values]) -> list[str]:
    recorded = runs.drop_duplicates("run_id").set_index("run_id")[metric].astype(np.float64)
    found = {run: _value(values, metric) for run, values in scores.items()}
    return [run for run, value in found.items() if not _is_near(value, float(recorded[run]))]


def _is_near(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=ROUNDING, atol=ROUNDING, equal_nan=True))


def _is_root(metric: str) -> bool:
    return metric.split("/")[1] == ROOT_MEAN_SQUARE


def _value(scores: Values, metric: str) -> float:
    mean = float(np.nanmean(scores)) if np.isfinite(scores).any() else np.nan
    return mean**0.5 if _is_root(metric) else mean


def _share(scores: Values, metric: str) -> Values:
    """Return what each example adds to the metric, whose deviations from their mean tell how it varies.

    A root of a mean varies as its linear approximation does.
    """
    root = _value(scores, metric)
    return scores / (2 * root) if _is_root(metric) and root else scores


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
