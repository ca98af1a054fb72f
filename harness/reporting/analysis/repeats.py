"""Configurations that repeat another: they are no further evidence, and count once."""

import pandas as pd

from harness.core.digest import canonical_json
from harness.reporting.data.columns import PARAM

__all__ = ["counted_once"]


def counted_once(pairs: pd.DataFrame, runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return `pairs` with the trials of equal searched values as one, the first of them, each of its seeds once.

    Where nothing is searched, every trial is the base run: pairs of the same runs count once.

    Args:
        pairs: `trial, seed` and results, sorted by trial.
        runs: from which the pairs are, with the searched values of every trial.
        arm: whose runs are the first of each pair.
    """
    labels = sorted(name for name in map(str, runs.columns) if name.startswith(PARAM))
    if not labels:
        return _same_runs_once(pairs, runs, arm)
    drawn = runs.drop_duplicates("trial").sort_values("trial")
    points = pd.Series(
        [canonical_json(list(map(str, row))) for row in zip(*(drawn[label] for label in labels), strict=True)],
        index=drawn["trial"].to_numpy(),
    )
    repeated = points.duplicated()
    if not repeated.any():
        return pairs
    trials = points.index.to_series()
    first = trials[~repeated].set_axis(points[~repeated].to_numpy())
    origin = trials.map(points).map(first)
    merged = pairs.assign(trial=pairs["trial"].map(origin))
    return merged.drop_duplicates(["trial", "seed"]).sort_values(["trial", "seed"], ignore_index=True)


def _same_runs_once(pairs: pd.DataFrame, runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    if "run_id" not in runs:
        return pairs
    names = runs.loc[runs["arm"] == arm].set_index(["trial", "seed"])["run_id"]
    of_pairs = names.reindex(pd.MultiIndex.from_frame(pairs[["trial", "seed"]])).reset_index(drop=True)
    if not of_pairs.duplicated().any():
        return pairs
    return pairs[~of_pairs.duplicated().to_numpy()].reset_index(drop=True)
