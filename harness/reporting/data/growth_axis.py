"""Curves of all arms on one axis: steps since the growth, also for arms that never grow."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.reporting.data.columns import RUN

__all__ = ["on_growth_axis"]

PLACE = ["trial", "seed"]


def on_growth_axis(curves: pd.DataFrame, pairs: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Return the curves of `arms` at the configurations and seeds in `pairs` where one of the first two arms grew.

    An arm that never grew stands beside them: its steps count from the growth of the first two, the earlier one if they
    grew at different steps. What it was at just that step is there twice, as the others are just before and after. The
    column `grew` says which runs really did.
    """
    runs = _growths(curves)
    compared = runs[runs["arm"].isin(arms[:2])].groupby(PLACE)["growth"].agg(["size", "min"]).reset_index()
    known = compared.loc[(compared["size"] == 2) & compared["min"].notna(), [*PLACE, "min"]]
    chosen = runs[runs["arm"].isin(arms)].merge(known, on=PLACE).merge(pairs[PLACE], on=PLACE)
    grew, start = np.zeros(len(runs), dtype=np.bool_), np.full(len(runs), np.nan)
    grew[chosen["number"]] = chosen["growth"].notna()
    start[chosen["number"]] = chosen["growth"].fillna(chosen["min"])
    numbers = _numbers(curves)
    kept = np.isfinite(start)[numbers]
    found = curves[kept].assign(grew=grew[numbers][kept])
    since = found["step"].to_numpy() - start[numbers][kept]
    found = found.assign(steps_since_growth=since, grown=np.where(found["grew"], found["grown"], since > 0))
    return pd.concat([found[found["grew"]], _cut(found[~found["grew"]])], ignore_index=True)


def _cut(curves: pd.DataFrame) -> pd.DataFrame:
    """Return curves of runs that never grew as two parts, both of which have what lies at the cut, in order."""
    twice = curves[curves["steps_since_growth"] == 0].assign(grown=True)
    whole = pd.concat([curves, twice], ignore_index=True)
    return whole.sort_values([*RUN, "name", "grown", "step"], kind="stable")


def _growths(curves: pd.DataFrame) -> pd.DataFrame:
    """Return `trial, arm, seed, number, growth` of each run; the step is NaN for one that never grew."""
    numbers, first = np.unique(_numbers(curves), return_index=True)
    rows = curves.iloc[first]
    return rows[RUN].astype({"arm": "str"}).assign(number=numbers, growth=rows["step"] - rows["steps_since_growth"])


def _numbers(curves: pd.DataFrame) -> NDArray[np.intp]:
    """Return which run each row is of: its place among the configurations counts, for their ids may be the same."""
    numbers: NDArray[np.intp] = curves.groupby(RUN, sort=False, observed=True).ngroup().to_numpy()
    return numbers
