"""Exhibits of the paired differences: by configuration, as pairs, and over the searched fields."""

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import PARAM, StudyData, is_absent
from harness.reporting.data.wording import count, number, setting
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures.effect_map import MapData, draw_effect_map
from harness.reporting.figures.forest import ForestData, draw_forest
from harness.reporting.figures.slopes import SlopeData, draw_slopes

__all__ = ["differences_exhibit", "map_exhibit", "pairs_exhibit"]

MAPPED = ("when", "where")  # the names of the searched fields that a map shows first
FEWEST, MOST_VALUES = 6, 12


def differences_exhibit(data: StudyData, comparison: Comparison, measure: Measure, smallest_effect: float) -> Exhibit:
    """Show every configuration's difference, and their mean with its interval."""
    labels = data.labels
    params = data.runs.drop_duplicates("trial").set_index("trial")[[PARAM + name for name in labels]]
    params = params.map(setting).rename(columns=lambda name: name.removeprefix(PARAM))
    rows = comparison.configurations.merge(params, left_on="trial", right_index=True)
    rows = rows.sort_values(["difference", "trial"], ascending=[False, True], ignore_index=True)
    mean, interval = comparison.mean, comparison.mean.interval
    overall = (mean.mean, interval.low, interval.high) if interval else (mean.mean, np.nan, np.nan)
    forest = ForestData(rows, labels, overall, smallest_effect, comparison.first, comparison.second, measure)
    diamond = "The diamond is their mean with its 95 % t interval over configurations, which the verdict rests on."
    band = "The shaded band holds differences smaller than the smallest effect that matters." if smallest_effect else ""
    point = "The diamond is their mean; they are too few for an interval."
    whiskers = "Thin lines are t intervals over the seeds of one configuration: they describe, they do not test."
    return Exhibit(
        name="paired_differences",
        title="The difference, configuration by configuration",
        caption=(
            f"Each point is one configuration: {measure.title} under {comparison.first} minus {comparison.second}, "
            f"mean over seeds. {diamond if interval else point} "
            f"{whiskers if rows['low'].notna().any() else ''} {band}"
        ),
        alt=(
            f"Forest plot of {count(mean.units, 'configuration')}: differences from "
            f"{measure.difference(rows['difference'].min())} to {measure.difference(rows['difference'].max())} "
            f"{measure.unit}, mean {measure.difference(mean.mean)}."
        ),
        **rendered(lambda: draw_forest(forest)),
        data=rows,
    )


def pairs_exhibit(comparison: Comparison, measure: Measure) -> Exhibit:
    """Show every configuration under one arm and the other."""
    rows = comparison.configurations[["trial", "first", "second"]]
    related = rows["first"].corr(rows["second"]) if len(rows) > 2 else np.nan
    correlation = ""
    if np.isfinite(related):
        kept = (rows["first"] - rows["second"]).var() / (rows["first"].var() + rows["second"].var())
        correlation = (
            f" Their correlation over configurations is {number(related, 2)}: pairing leaves {number(100 * kept, 0)} % "
            "of the variance that the difference of two independent samples would have."
        )
    drawn = SlopeData(rows, (comparison.second, comparison.first), measure)
    rising = int((rows["first"] > rows["second"]).sum())
    return Exhibit(
        name="pairs",
        title="From one arm to the other",
        caption=(
            f"Each line is one of {count(len(rows), 'configuration')}, mean over seeds: {measure.title} under "
            f"{comparison.second} and under {comparison.first}. Large points are the means.{correlation}"
        ),
        alt=(
            f"{rising} of {len(rows)} lines rise from {comparison.second} (mean "
            f"{measure.level(rows['second'].mean())}) to {comparison.first} (mean "
            f"{measure.level(rows['first'].mean())})."
        ),
        **rendered(lambda: draw_slopes(drawn)),
        data=rows,
    )


def map_exhibit(data: StudyData, comparison: Comparison, measure: Measure) -> Exhibit | None:
    """Show the differences over two of the searched fields, if configurations differ in two that always exist."""
    params = data.runs.drop_duplicates("trial").set_index("trial")
    rows = comparison.configurations[["trial", "difference"]].merge(
        pd.DataFrame({label: params[PARAM + label].map(setting) for label in data.labels}),
        left_on="trial",
        right_index=True,
    )
    everywhere = [label for label in data.labels if not params.loc[rows["trial"], PARAM + label].map(is_absent).any()]
    varied = [label for label in everywhere if 1 < rows[label].nunique() <= max(MOST_VALUES, len(rows))]
    varied.sort(key=lambda label: (label not in MAPPED, MAPPED.index(label) if label in MAPPED else 0))
    if len(rows) < FEWEST or len(varied) < 2:
        return None
    across, down = varied[:2]
    values = {label: params.loc[rows["trial"], PARAM + label].tolist() for label in (across, down)}
    drawn = MapData(rows["difference"].tolist(), values[across], values[down], (across, down), measure)
    return Exhibit(
        name="effect_map",
        title=f"The difference over {across} and {down}",
        caption=(
            f"Each point is one of {count(len(rows), 'configuration')}: {measure.title} under {comparison.first} minus "
            f"{comparison.second}, in {measure.unit or 'stored units'}, mean over seeds, at its place in the searched "
            f"space; points of equal place are set side by side. Where both fields "
            f"have few values, cells have the color of their mean, and those with fewer than three configurations are "
            f"hatched. A description: no interval, and all other searched "
            f"fields vary as well."
        ),
        alt=(
            f"Differences between {measure.difference(rows['difference'].min())} and "
            f"{measure.difference(rows['difference'].max())} {measure.unit} over {across} and {down}."
        ),
        **rendered(lambda: draw_effect_map(drawn)),
        data=rows[["trial", across, down, "difference"]],
    )
