"""From runs to paired differences: the same configuration, the same seed, two arms."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.reporting.statistics import (
    Interval,
    MeanEstimate,
    ShiftEstimate,
    disagree,
    hodges_lehmann,
    mean_estimate,
    t_interval,
)
from harness.reporting.study_data import StudyData

__all__ = ["Account", "ArmAccount", "Comparison", "account_for", "compare", "completed_pairs"]


@dataclass(frozen=True)
class Comparison:
    """The paired comparison of two arms on one metric; every difference is first minus second.

    Attributes:
        pairs: one row a configuration and seed with both arms: `trial, seed, first, second, difference`.
        configurations: one row a configuration: `trial, seeds`, means over seeds `first, second, difference`, and the
            t interval over seeds `low, high` (NaN for one seed), which describes and does not test.
        mean: the mean over configurations, which are the unit of inference.
        shift: its companion that outliers cannot move.
    """

    first: str
    second: str
    metric: str
    pairs: pd.DataFrame
    configurations: pd.DataFrame
    mean: MeanEstimate
    shift: ShiftEstimate

    @property
    def sensitive(self) -> bool:
        """Whether outliers decide: mean and companion disagree in sign or significance."""
        return disagree(self.mean, self.shift)

    @property
    def leave_one_out(self) -> tuple[float, float] | None:
        """The lowest and the highest mean when any one configuration is left out."""
        differences = self.configurations["difference"].to_numpy()
        if len(differences) < 2:
            return None
        without = (differences.sum() - differences) / (len(differences) - 1)
        return float(without.min()), float(without.max())

    @property
    def share_positive(self) -> float:
        """The share of configurations with a positive difference; a difference of zero counts half."""
        differences = self.configurations["difference"].to_numpy()
        return float(np.mean((differences > 0) + 0.5 * (differences == 0))) if len(differences) else np.nan


def compare(runs: pd.DataFrame, first: str, second: str, metric: str) -> Comparison:
    """Compare two arms on `metric` wherever both completed with a finite value."""
    pairs = completed_pairs(runs, first, second, metric)
    configurations = _by_configuration(pairs)
    differences = configurations["difference"].tolist()
    return Comparison(
        *(first, second, metric, pairs, configurations), mean_estimate(differences), hodges_lehmann(differences)
    )


def completed_pairs(runs: pd.DataFrame, first: str, second: str, metric: str) -> pd.DataFrame:
    """Return one row for every configuration and seed that has a finite `metric` under both arms."""
    if first == second:
        runs = runs.iloc[:0]  # an arm is no partner of its own
    arms = [_finite(runs, arm, metric).rename(columns={metric: role}) for arm, role in _roles(first, second)]
    pairs = arms[0].merge(arms[1], on=["trial", "seed"]).sort_values(["trial", "seed"], ignore_index=True)
    return pairs.assign(difference=pairs["first"] - pairs["second"])


def _roles(first: str, second: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (first, "first"), (second, "second")


def _finite(runs: pd.DataFrame, arm: str, metric: str) -> pd.DataFrame:
    if metric not in runs:
        runs = runs.assign(**{metric: np.nan})
    values = runs[metric].astype(float)
    chosen = (runs["arm"] == arm) & (runs["status"] == "completed") & np.isfinite(values)
    return runs.loc[chosen, ["trial", "seed", metric]].astype({metric: float})


def _by_configuration(pairs: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for trial, group in pairs.groupby("trial"):
        interval = t_interval(group["difference"].tolist()) or Interval(np.nan, np.nan, np.nan)
        means = (float(group[name].mean()) for name in ("first", "second", "difference"))
        rows.append([trial, len(group), *means, interval.low, interval.high])
    return pd.DataFrame(rows, columns=["trial", "seeds", "first", "second", "difference", "low", "high"])


@dataclass(frozen=True)
class ArmAccount:
    """Where the planned runs of one arm have gone."""

    arm: str
    planned: int
    completed: int
    failed: int
    compared: int

    @property
    def unfinished(self) -> int:
        """Runs that are planned and have not ended."""
        return max(self.planned - self.completed - self.failed, 0)


@dataclass(frozen=True)
class Account:
    """What happened to every planned run; nothing is dropped without being counted.

    Attributes:
        pairs_planned: configurations x seeds.
        pairs_compared: those with a usable value under both arms of the comparison.
        forks_checked: compared pairs that grew; `forks_shared` of them went on from the same stored state.
        reasons: why runs failed, with how often.
    """

    arms: tuple[ArmAccount, ...]
    pairs_planned: int
    pairs_compared: int
    forks_checked: int
    forks_shared: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def failed(self) -> int:
        """Failed runs of all arms."""
        return sum(arm.failed for arm in self.arms)

    @property
    def unfinished(self) -> int:
        """Planned runs of all arms that have not ended."""
        return sum(arm.unfinished for arm in self.arms)


def account_for(data: StudyData, comparison: Comparison) -> Account:
    """Count what became of the planned runs."""
    planned = data.study.trials * data.study.seeds
    compared = {comparison.first, comparison.second}
    arms = []
    for arm in data.arms:
        status = data.runs.loc[data.runs["arm"] == arm, "status"]
        completed, failed = int((status == "completed").sum()), int((status == "failed").sum())
        arms.append(ArmAccount(arm, planned, completed, failed, len(comparison.pairs) if arm in compared else 0))
    reasons = data.runs.loc[data.runs["status"] == "failed", "reason"].value_counts().sort_index()
    forks = _forks(data.runs, comparison)
    shared = int((forks["first"] == forks["second"]).sum())
    return Account(
        *(tuple(arms), planned, len(comparison.pairs), len(forks), shared),
        reasons=tuple((str(reason), int(times)) for reason, times in reasons.items()),
    )


def _forks(runs: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """Return the stored states from which the runs of each pair went on after the growth."""
    forks = comparison.pairs[["trial", "seed"]]
    for arm, role in _roles(comparison.first, comparison.second):
        states = runs.loc[(runs["arm"] == arm) & (runs["fork"] != ""), ["trial", "seed", "fork"]]
        forks = forks.merge(states.rename(columns={"fork": role}), on=["trial", "seed"])
    return forks
