"""Exhibits of the growths themselves: what they did to the function, and what many of them did to what came before."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.reporting.data.study_data import PARAM, RUN, StudyData
from harness.reporting.data.wording import count, listed, number, setting, signed
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures.arrivals import ArrivalsData, draw_arrivals
from harness.reporting.figures.preserved import PreservedData, draw_preserved

__all__ = ["arrivals_exhibit", "arrivals_of", "preserved_exhibit"]

BY_ARRIVAL = "val/accuracy_by_arrival/"
LOGITS, BEFORE, AFTER = (f"growth/{name}" for name in ("logit_change", "known_loss_before", "known_loss_after"))
GROWN = "growth/parameters_added"
MOST_BEGINNINGS = 12


def preserved_exhibit(data: StudyData) -> Exhibit | None:
    """Show by how much growths changed old outputs and losses, by how new parameters began."""
    found = data.curves[data.curves["name"].isin([LOGITS, BEFORE, AFTER])]
    # Arms share a growth up to how it goes on, so that it counts once.
    wide = found.astype({"name": "str"}).drop_duplicates(["trial", "seed", "step", "name"])
    wide = wide.pivot_table(index=["trial", "seed", "step"], columns="name", values="value").dropna().reset_index()
    if not {LOGITS, BEFORE, AFTER} <= set(wide.columns) or not len(wide):
        return None
    field = _beginning(data)
    params = data.runs.drop_duplicates("trial").set_index("trial")
    begins = wide["trial"].map(params[PARAM + field].map(setting)) if field else "every growth"
    columns = {"logits": "largest change of an old output", "loss": "change of the loss on known classes"}
    rows = wide[["trial", "seed", "step"]].assign(begins=begins, logits=wide[LOGITS], loss=wide[AFTER] - wide[BEFORE])
    order = list(dict.fromkeys(rows.sort_values("begins")["begins"]))[:MOST_BEGINNINGS]
    rows = rows[rows["begins"].isin(order)].reset_index(drop=True)
    kept = int((rows["logits"] == 0).sum())
    return Exhibit(
        name="preserved",
        title="What the growth itself changed",
        caption=(
            f"Each point is one growth, before any further update, on a fixed batch of known classes; bars are "
            f"medians{f', by {field}' if field else ''}. {kept:,} of {count(len(rows), 'growth')} left every old "
            f"output as it was, to the bit. The loss can change all the same, for new outputs compete with old ones."
        ),
        alt=(
            f"Largest change of an old output: {number(float(rows['logits'].max()), 4)}; change of the loss: from "
            f"{signed(float(rows['loss'].min()), 3)} to {signed(float(rows['loss'].max()), 3)}."
        ),
        **rendered(lambda: draw_preserved(PreservedData(rows, order, columns))),
        data=rows,
    )


def _beginning(data: StudyData) -> str:
    """Return the searched field that says with which values new parameters begin, or nothing."""
    fields = {label: dimension.field for label, dimension in data.study.spec.space.items()}
    chosen = [label for label, field in fields.items() if field.rpartition(".")[2] in ("init", "method", "function")]
    return chosen[0] if chosen else ""


def arrivals_exhibit(data: StudyData) -> Exhibit | None:
    """Show how well each arrival of classes was answered at the end of each stage, where classes came often."""
    table = arrivals_of(data)
    if not len(table) or table["arrival"].max() < 2:
        return None
    often = table.groupby("arm")["arrival"].max() > 0
    arms = [arm for arm in data.arms if often.get(arm, default=False)]
    table = table[table["arm"].isin(arms)]
    told = {arm: _summary(table[table["arm"] == arm]) for arm in arms}
    means = listed([f"{arm} {number(mean, 1)} % and {number(lost, 1)} points" for arm, (mean, lost) in told.items()])
    return Exhibit(
        name="arrivals",
        title="What each arrival of classes did to those before",
        caption=(
            f"Validation accuracy on the classes of each arrival, at the end of each stage: means over "
            f"{count(table['trial'].nunique(), 'configuration')}. Down the diagonal: what was learned when it came; "
            f"below: what was left of it later. Mean over arrivals at the end, and mean of what was lost of each since "
            f"its best: {means}."
        ),
        alt=f"Mean accuracy at the end and mean forgetting: {means}.",
        **rendered(lambda: draw_arrivals(ArrivalsData(_means(table), arms))),
        data=_means(table),
    )


def arrivals_of(data: StudyData) -> pd.DataFrame:
    """Return `trial, arm, stage, arrival, value`: accuracy by arrival at the end of each stage, means over seeds."""
    completed = set(data.runs.loc[data.runs["status"] == "completed", "run_id"])
    curves = data.curves[data.curves["run_id"].isin(completed)]
    names = [name for name in map(str, curves["name"].unique()) if name.startswith(BY_ARRIVAL)]
    series = curves[curves["name"].isin(names)]
    growths = curves.loc[curves["name"] == GROWN, [*RUN, "step"]].astype({"arm": "str"})
    steps = growths.groupby(RUN)["step"].apply(np.array).to_dict()
    rows = []
    for key, part in series.groupby([*RUN, "name"], observed=True):
        known = steps.get(key[:3], np.empty(0))
        which, ends = str(key[3]).removeprefix(BY_ARRIVAL), _stage_ends(part, known)
        # As long as there is one arrival, its accuracy is recorded as the mean alone.
        ends = ends if which.isdecimal() else [(stage, value) for stage, value in ends if stage == 0]
        rows += [(*key[:3], stage, int(which) if which.isdecimal() else 0, value) for stage, value in ends]
    found = pd.DataFrame(rows, columns=[*RUN, "stage", "arrival", "value"])
    return found.groupby(["trial", "arm", "stage", "arrival"])["value"].mean().reset_index()


def _stage_ends(series: pd.DataFrame, growths: Sequence[int]) -> list[tuple[int, float]]:
    """Return the last value of each stage; at the step of a growth the first value is of the stage before."""
    step, value = series["step"].to_numpy(), series["value"].to_numpy(np.float64)
    again = np.concatenate([[False], step[1:] == step[:-1]]) if len(step) else np.empty(0, bool)
    # A value at the step of a growth that the series has not yet had before it, is of the stage after.
    stage = np.searchsorted(growths, step, side="left") + (again | (step == step[0]) & np.isin(step, growths))
    return [(int(number), float(value[stage == number][-1])) for number in np.unique(stage)]


def _means(table: pd.DataFrame) -> pd.DataFrame:
    return table.groupby(["arm", "stage", "arrival"])["value"].mean().reset_index()


def _summary(table: pd.DataFrame) -> tuple[float, float]:
    """Return, in percent, the mean over arrivals at the end, and the mean of what was lost of all but the last."""
    means = table.pivot_table(index="stage", columns="arrival", values="value")
    last, best = means.iloc[-1], means.max()
    lost = (best - last).iloc[:-1]
    return 100 * float(last.mean()), 100 * float(lost.mean()) if len(lost) else np.nan
