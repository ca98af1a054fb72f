"""From runs to paired differences: the same configuration, the same seed, two arms."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.reporting.analysis.repeats import counted_once
from harness.reporting.data.columns import PROOFS
from harness.reporting.data.missing_results import failure_value, results_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import (
    LEVEL,
    MeanEstimate,
    ShiftEstimate,
    TwoWayLayout,
    disagree,
    hodges_lehmann,
    mean_over_seeds,
    t_quantile,
)

__all__ = ["Account", "ArmAccount", "Comparison", "account_for", "compare", "completed_pairs", "primary_comparison"]

HISTORY = PROOFS[0]
Values = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Comparison:
    """The paired comparison of two arms on one metric; every difference is first minus second.

    Attributes:
        pairs: one row a configuration and seed with both arms: `trial, seed, first, second, difference`.
        configurations: one row a configuration, those that were drawn again once: `trial, seeds`, means over seeds
            `first, second, difference`, and the t interval over seeds `low, high` (NaN for one seed), which describes
            and does not test.
        mean: the mean over configurations, which are the unit of inference; where they share seeds, the interval takes
            the seeds as drawn, too.
        shift: its companion that outliers cannot move.
        failure_value: what a diverged run counted as; None if diverged runs were left out.
        imputed: pairs in which a diverged run counted.
        unit: what the mean is over, and what counts as one: a `configuration`, or a `replicate` of a search for each
            arm's best.
        unmeasured: runs of the two arms that completed and have no value.
        left_out: runs of the two arms that failed and count as nothing.
        identical: whether every pair is of two runs with the same history, to the last digit.
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
    unit: str = "configuration"
    unmeasured: int = 0
    left_out: int = 0
    identical: bool = False

    @property
    def sensitive(self) -> bool:
        """Whether outliers decide: mean and companion disagree in sign or significance."""
        return disagree(self.mean, self.shift)

    @property
    def repeats(self) -> int:
        """How many more configurations were drawn that repeat others."""
        return int(self.pairs["trial"].nunique()) - len(self.configurations)

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


def primary_comparison(data: StudyData) -> Comparison:
    """Compare the two arms that the study names, on the metric that decides.

    Raises:
        InputError: a configuration has two runs of one arm and seed.
    """
    spec = data.study.spec
    metric, (first, second) = f"test/{spec.metric}", spec.comparison
    found = compare(data.runs, first, second, metric, failure_value=failure_value(spec, metric))
    found = replace(found, identical=_are_identical(data.runs, found))
    return replace(found, unit="replicate") if data.searched else found


def _are_identical(runs: pd.DataFrame, comparison: Comparison) -> bool:
    """Return whether the runs of every pair recorded the same, so that nothing distinguishes the arms."""
    if HISTORY not in runs or not len(comparison.pairs):
        return False
    told = runs.set_index(["arm", "trial", "seed"])[HISTORY]
    keys = pd.MultiIndex.from_frame(comparison.pairs[["trial", "seed"]])
    first, second = (told.loc[arm].reindex(keys).to_numpy() for arm in (comparison.first, comparison.second))
    return bool(((first == second) & (first != "")).all())


def compare(
    runs: pd.DataFrame, first: str, second: str, metric: str, *, failure_value: float | None = None
) -> Comparison:
    """Compare two arms on `metric` wherever both completed with a finite value.

    With a `failure_value`, a run that diverged counts with that value: what became of an arm's runs is part of what the
    arm does (intention to treat). Where no run of either arm completed, there is still nothing to compare.

    Raises:
        InputError: a configuration has two runs of one arm and seed.
    """
    alive = (runs["status"] == "completed").to_numpy() & runs["arm"].isin([first, second]).to_numpy()
    treated = failure_value if alive.any() else None
    values = results_of(runs, metric, treated)
    left, right = _matched(runs, first, second, np.isfinite(values))
    pairs = _pairs(runs, values, left, right)
    imputed = int((~alive[left] | ~alive[right]).sum())
    unmeasured = int((alive & ~np.isfinite(values)).sum())
    failed = (runs["status"] == "failed").to_numpy() & runs["arm"].isin([first, second]).to_numpy()
    left_out = int((failed & ~np.isfinite(values)).sum())
    counted = counted_once(pairs, runs, first)
    configurations = _by_configuration(counted)
    mean = mean_over_seeds(TwoWayLayout(counted["trial"], counted["seed"]), counted["difference"].tolist())
    estimates = mean, hodges_lehmann(configurations["difference"].tolist())
    found = Comparison(first, second, metric, pairs, configurations, *estimates, treated, imputed)
    return replace(found, unmeasured=unmeasured, left_out=left_out)


def completed_pairs(runs: pd.DataFrame, first: str, second: str, metric: str) -> pd.DataFrame:
    """Return one row for every configuration and seed that has a finite `metric` under both arms.

    Raises:
        InputError: a configuration has two runs of one arm and seed.
    """
    values = results_of(runs, metric)
    return _pairs(runs, values, *_matched(runs, first, second, np.isfinite(values)))


def _pairs(runs: pd.DataFrame, values: Values, left: Places, right: Places) -> pd.DataFrame:
    """Return `trial, seed, first, second, difference` of runs that belong together, by their places."""
    keys = {name: runs[name].to_numpy()[left] for name in ("trial", "seed")}
    results = {"first": values[left], "second": values[right], "difference": values[left] - values[right]}
    return pd.DataFrame(keys | results)


def _matched(runs: pd.DataFrame, first: str, second: str, usable: NDArray[np.bool_]) -> tuple[Places, Places]:
    """Return the places of the usable runs that have a usable partner, and of the partners, by trial and seed."""
    arms = runs["arm"].to_numpy()
    # An arm is no partner of its own.
    left, right = (np.flatnonzero(usable & (arms == arm) & (first != second)) for arm in (first, second))
    keys = (runs["trial"].to_numpy(np.int64) << 32) + runs["seed"].to_numpy(np.int64)
    for arm, places in ((first, left), (second, right)):
        _refuse_twice(arm, keys[places])
    _, in_left, in_right = np.intersect1d(keys[left], keys[right], assume_unique=True, return_indices=True)
    return left[in_left], right[in_right]


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
    """Return one row a configuration, with means over its seeds; `pairs` are sorted by trial."""
    columns = ("first", "second", "difference")
    if not len(pairs):
        return pd.DataFrame(columns=["trial", "seeds", *columns, "low", "high"], dtype=np.float64)
    trials, starts, seeds = np.unique(pairs["trial"].to_numpy(), return_index=True, return_counts=True)
    means = {name: np.add.reduceat(pairs[name].to_numpy(), starts) / seeds for name in columns}
    off = pairs["difference"].to_numpy() - np.repeat(means["difference"], seeds)
    sd = np.sqrt(np.add.reduceat(off**2, starts) / np.maximum(seeds - 1, 1))
    reach = np.array([t_quantile(LEVEL, size - 1) if size > 1 else np.nan for size in seeds.tolist()])
    half = reach * sd / np.sqrt(seeds)
    ends = {"low": means["difference"] - half, "high": means["difference"] + half}
    return pd.DataFrame({"trial": trials, "seeds": seeds} | means | ends)


@dataclass(frozen=True)
class ArmAccount:
    """Where the planned runs of one arm have gone."""

    arm: str
    planned: int
    completed: int
    failed: int
    compared: int
    pruned: int = 0

    @property
    def unfinished(self) -> int:
        """Runs that are planned and have not ended."""
        return max(self.planned - self.completed - self.failed - self.pruned, 0)


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
    def pruned(self) -> int:
        """Runs of all arms that were given up before their end."""
        return sum(arm.pruned for arm in self.arms)

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
        completed, failed, pruned = (int((status == outcome).sum()) for outcome in ("completed", "failed", "pruned"))
        pairs = len(comparison.pairs) if arm in compared else 0
        arms.append(ArmAccount(arm, planned, completed, failed, pairs, pruned))
    reasons = data.runs.loc[data.runs["status"] == "failed", "reason"].value_counts().sort_index()
    forks = _forks(data.runs, comparison)
    if data.searched:
        forks = forks[:0]  # each arm grows where its own search chose
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
