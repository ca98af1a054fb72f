"""Tables that stand beside figures, and those that close a report."""

from collections.abc import Mapping

import pandas as pd

from harness.reporting.analysis.equal_cost import AtCost, Cost
from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.analysis.stability_gap import stability_table
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.compute import equal_cost_table
from harness.reporting.figures.controls import controls_table
from harness.reporting.tables._base import Table
from harness.reporting.tables.checklist import checklist_table
from harness.reporting.tables.effects_by_field import effects_tables
from harness.reporting.tables.glossary import glossary_table
from harness.reporting.tables.optimism import optimism_tables

__all__ = ["companion_tables"]


def companion_tables(
    data: StudyData,
    curves: pd.DataFrame,
    comparison: Comparison,
    account: Account,
    measure: Measure,
    spent: Mapping[Cost, AtCost],
) -> dict[str, Table]:
    """Return the tables for which there is data, by name; `curves` are those `on_growth_axis`, `spent` `at_costs`."""
    found = (
        controls_table(data, comparison, measure),
        equal_cost_table(data, comparison, measure, spent),
        stability_table(curves, data.arms),
        *effects_tables(data, comparison, measure),
        *optimism_tables(data, measure),
        checklist_table(data, comparison, account),
        glossary_table(),
    )
    return {table.name: table for table in found if table is not None}
