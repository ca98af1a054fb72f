"""Curves of all arms on one axis: steps since the growth, also for arms that never grow."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

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
    ids = pd.Index(curves["run_id"].cat.categories)
    grew = pd.Series(chosen["growth"].notna().to_numpy(), chosen["run_id"].astype(str)).reindex(ids)
    start = pd.Series(chosen["growth"].fillna(chosen["min"]).to_numpy(), chosen["run_id"].astype(str)).reindex(ids)
    codes = curves["run_id"].cat.codes.to_numpy()
    kept = start.notna().to_numpy()[codes]
    found = curves[kept].assign(grew=grew.to_numpy(dtype=object, na_value=False).astype(bool)[codes][kept])
    since = found["step"].to_numpy() - start.to_numpy(dtype=np.float64)[codes][kept]
    found = found.assign(steps_since_growth=since, grown=np.where(found["grew"], found["grown"], since > 0))
    return pd.concat([found[found["grew"]], _cut(found[~found["grew"]])], ignore_index=True)


def _cut(curves: pd.DataFrame) -> pd.DataFrame:
    """Return curves of runs that never grew as two parts, both of which have what lies at the cut, in order."""
    twice = curves[curves["steps_since_growth"] == 0].assign(grown=True)
    whole = pd.concat([curves, twice], ignore_index=True)
    return whole.sort_values(["run_id", "name", "grown", "step"], kind="stable")


def _growths(curves: pd.DataFrame) -> pd.DataFrame:
    """Return `run_id, trial, arm, seed, growth` of each run; the step is NaN for one that never grew."""
    # One look at the codes instead of comparing the words of millions of rows.
    _, first = np.unique(curves["run_id"].cat.codes.to_numpy(), return_index=True)
    rows = curves.iloc[first]
    found = rows[["run_id", "trial", "arm", "seed"]].astype({"run_id": "str", "arm": "str"})
    return found.assign(growth=rows["step"] - rows["steps_since_growth"]).reset_index(drop=True)
