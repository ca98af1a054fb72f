"""Two reports of one study, from another commit or another machine, side by side."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.core.digest import canonical_json
from harness.core.errors import InputError
from harness.core.spec import flatten
from harness.reporting.analysis.pairing import Comparison, primary_comparison
from harness.reporting.data.columns import PARAM, PROOFS, is_absent
from harness.reporting.data.environment import environment_differences
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import setting
from harness.reporting.publication.report_folder import read_intact_report
from harness.reporting.publication.source_files import ENVIRONMENT, read_data
from harness.reporting.statistics import LEVEL, MINIMUM_UNITS, Interval, mean_estimate
from harness.reporting.text.verdict import judge

__all__ = ["EffectChange", "Side", "SideBySide", "compare_reports"]

SAME_RUN = ["configuration", "arm", "seed"]
SECONDS = "cost/seconds"  # differs from run to run, whatever else is equal
NAMED = 3  # of the fields that only one report's study has


@dataclass(frozen=True)
class Side:
    """One of the two reports."""

    data: StudyData
    comparison: Comparison
    kind: str
    environment: dict[str, object]


@dataclass(frozen=True)
class EffectChange:
    """By how much the second report's difference is greater than the first's.

    Attributes:
        configurations: how many the two have in common, over which the change is paired; 0 if it is not paired.
    """

    mean: float
    interval: Interval | None
    configurations: int


@dataclass(frozen=True)
class SideBySide:
    """What two reports say, and in what they differ.

    Attributes:
        runs: how many runs of equal configuration, arm and seed both have; `equal_metrics` of them came to the same
            results to the bit, and `equal_histories` were the same at every step.
    """

    sides: tuple[Side, Side]
    measure: Measure
    change: EffectChange
    runs: int
    equal_metrics: int
    equal_histories: int
    spec: tuple[str, ...]
    environment: tuple[str, ...]


def compare_reports(one: Path, other: Path) -> SideBySide:
    """Compare two report folders.

    Raises:
        InputError: a folder holds no report, or not the one that was written, or the two answer different questions.
    """
    files = [read_intact_report(folder) for folder in (one, other)]
    data = [read_data(found) for found in files]
    first, second = (found.study.spec for found in data)
    for what in ("comparison", "metric"):
        if first[what] != second[what]:
            raise InputError(
                f"expected two reports of one study, found the {what} {first[what]!r} in {one} and {second[what]!r} in "
                f"{other}; compare reports that answer the same question"
            )
    sides = [_side(found, json.loads(content[ENVIRONMENT])) for found, content in zip(data, files, strict=True)]
    runs, equal_metrics, equal_histories = _common_runs(*data)
    return SideBySide(
        (sides[0], sides[1]),
        data[0].measure(f"test/{first.metric}"),
        _change(*sides),
        *(runs, equal_metrics, equal_histories),
        spec=tuple(_spec_differences(*data)),
        environment=tuple(environment_differences(sides[0].environment, sides[1].environment)),
    )


def _side(data: StudyData, environment: dict[str, object]) -> Side:
    spec = data.study.spec
    measure = data.measure(f"test/{spec.metric}")
    comparison = primary_comparison(data)
    return Side(data, comparison, judge(comparison, measure, spec.smallest_effect).kind, environment)


def _change(one: Side, other: Side) -> EffectChange:
    """Pair configurations of equal values where there are enough of them; else compare the two means (Welch)."""
    values = [_by_configuration(side) for side in (one, other)]
    common = [key for key in values[0] if key in values[1]]
    if len(common) >= MINIMUM_UNITS:
        paired = mean_estimate([values[1][key] - values[0][key] for key in common])
        return EffectChange(paired.mean, paired.interval, len(common))
    samples = [np.array(list(found.values())) for found in values]
    if not all(len(sample) for sample in samples):
        return EffectChange(np.nan, None, 0)
    return EffectChange(float(samples[1].mean() - samples[0].mean()), _welch(samples), 0)


def _by_configuration(side: Side) -> dict[str, float]:
    keys = dict(zip(side.data.runs["trial"], _configurations(side.data), strict=True))
    rows = side.comparison.configurations
    return {keys[trial]: float(value) for trial, value in zip(rows["trial"], rows["difference"], strict=True)}


def _configurations(data: StudyData) -> list[str]:
    """Return for each run what names its configuration in any report: the searched values, or else the trial."""
    columns = [PARAM + label for label in data.labels] or ["trial"]
    rows = zip(*(data.runs[name].tolist() for name in columns), strict=True)
    return [
        canonical_json({name: value for name, value in zip(columns, row, strict=True) if not is_absent(value)})
        for row in rows
    ]


def _welch(samples: Sequence[np.ndarray]) -> Interval | None:
    if min(map(len, samples)) < MINIMUM_UNITS or not any(sample.std() for sample in samples):
        return None
    from scipy import stats  # takes a third of a second to import

    ends = stats.ttest_ind(samples[1], samples[0], equal_var=False).confidence_interval(LEVEL)
    return Interval(float(ends.low), float(ends.high), LEVEL)


def _common_runs(one: StudyData, other: StudyData) -> tuple[int, int, int]:
    """Count the runs of equal configuration, arm and seed, those with equal results, and those with equal histories.

    Run ids do not tell: a run's spec gains fields from one version to the next.
    """
    metrics = sorted({*one.metrics} & {*other.metrics} - {SECONDS})  # a report may be older than a metric
    frames = [
        data.runs.reindex(columns=["arm", "seed", PROOFS[0], *metrics])
        .assign(configuration=_configurations(data))
        .drop_duplicates(SAME_RUN)
        for data in (one, other)
    ]
    both = frames[0].merge(frames[1], on=SAME_RUN, suffixes=("", " other"))
    equal = pd.Series(True, index=both.index)
    for metric in metrics:
        left, right = both[metric].to_numpy(dtype=float), both[f"{metric} other"].to_numpy(dtype=float)
        equal &= (left == right) | (np.isnan(left) & np.isnan(right))
    history = (both[PROOFS[0]] != "") & (both[PROOFS[0]] == both[f"{PROOFS[0]} other"])
    return len(both), int(equal.sum()), int(history.sum())


def _spec_differences(one: StudyData, other: StudyData) -> list[str]:
    planned = [{"trials": data.study.trials, "seeds": data.study.seeds} for data in (one, other)]
    flat = [flatten({**data.study.spec, **plan}) for data, plan in zip((one, other), planned, strict=True)]
    changed = [name for name in flat[0] if name in flat[1] and flat[0][name] != flat[1][name]]
    return [
        *(f"{name} {setting(flat[0][name])} and {setting(flat[1][name])}" for name in changed),
        *_only_in("first", flat[0], flat[1]),
        *_only_in("second", flat[1], flat[0]),
    ]


def _only_in(which: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Sum up what one spec alone says; as a rule, fields that the other's version did not have yet."""
    names = [name for name in one if name not in other]
    some = ", ".join(f"{name} {setting(one[name])}" for name in names[:NAMED])
    more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [f"only in the {which}: {some}{more}"] if names else []
