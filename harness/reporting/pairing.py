"""From runs to paired differences: the same configuration, the same seed, two arms."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.reporting.collect import StudyData
from harness.reporting.missingness import results_of
from harness.reporting.statistics import (
    MeanEstimate,
    ShiftEstimate,
    disagree,
    hodges_lehmann,
    mean_estimate,
    t_interval,
)

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
        failure_value: what a diverged run counted as; None if diverged runs were left out.
        imputed: pairs in which a diverged run counted.
    """

    first: str
    second: str
    metric: str
    pairs: pd.DataFrame
    configurations: pd.DataFrame
    mean: MeanEstimate
    shift: ShiftEstimate
    failure_value: float | None = None
    imputed: int = 0

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


def compare(
    runs: pd.DataFrame, first: str, second: str, metric: str, *, failure_value: float | None = None
) -> Comparison:
    """Compare two arms on `metric` wherever both completed with a finite value.

    With a `failure_value`, a run that diverged counts with that value: what became of an arm's runs is part of what the
    arm does (intention to treat). Where no run of either arm completed, there is still nothing to compare.

    Raises:
        InputError: a configuration has two runs of one arm and seed.
    """
    arms_alive = (runs["status"] == "completed") & runs["arm"].isin([first, second])
    treated = failure_value if arms_alive.any() else None
    pairs = _paired(runs, first, second, results_of(runs, metric, treated))
    imputed = 0 if treated is None else len(pairs) - len(completed_pairs(runs, first, second, metric))
    configurations = _by_configuration(pairs)
    differences = configurations["difference"].tolist()
    estimates = mean_estimate(differences), hodges_lehmann(differences)
    return Comparison(first, second, metric, pairs, configurations, *estimates, treated, imputed)


def completed_pairs(runs: pd.DataFrame, first: str, second: str, metric: str) -> pd.DataFrame:
    """Return one row for every configuration and seed that has a finite `metric` under both arms.

    Raises:
        InputError: a configuration has two runs of one arm and seed.
    """
    return _paired(runs, first, second, results_of(runs, metric))


def _paired(runs: pd.DataFrame, first: str, second: str, values: NDArray[np.float64]) -> pd.DataFrame:
    """Return `trial, seed, first, second, difference` of the runs whose values are numbers under both arms."""
    trials, seeds, arms = (runs[name].to_numpy() for name in ("trial", "seed", "arm"))
    usable = np.isfinite(values) & (first != second)  # an arm is no partner of its own
    places = [np.flatnonzero(usable & (arms == arm)) for arm in (first, second)]
    keys = [(trials[own].astype(np.int64) << 32) + seeds[own].astype(np.int64) for own in places]
    for arm, own in zip((first, second), keys, strict=True):
        _refuse_twice(arm, own)
    _, left, right = np.intersect1d(*keys, assume_unique=True, return_indices=True)
    left, right = places[0][left], places[1][right]
    results = {"first": values[left], "second": values[right], "difference": values[left] - values[right]}
    return pd.DataFrame({"trial": trials[left], "seed": seeds[left], **results})


def _refuse_twice(arm: str, keys: NDArray[np.int64]) -> None:
    found, times = np.unique(keys, return_counts=True)
    if (times > 1).any():
        trial, seed = divmod(int(found[times > 1][0]), 1 << 32)
        raise InputError(
            f"expected one run of each configuration, arm and seed, found two of configuration {trial}, arm {arm!r}, "
            f"seed {seed}; drop one of them"
        )


def _roles(first: str, second: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (first, "first"), (second, "second")


def _by_configuration(pairs: pd.DataFrame) -> pd.DataFrame:
    trials, starts = np.unique(pairs["trial"].to_numpy(), return_index=True)
    columns = [np.split(pairs[name].to_numpy(), starts[1:]) for name in ("first", "second", "difference")]
    rows = []
    for trial, *values in zip(trials, *columns, strict=len(pairs) > 0):
        differences = values[2]
        interval = t_interval(differences)
        reach = (interval.low, interval.high) if interval else (np.nan, np.nan)
        rows.append([trial, len(differences), *(float(part.mean()) for part in values), *reach])
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
