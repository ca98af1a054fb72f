"""Tables that stand beside figures, and those that close a report."""

from collections.abc import Mapping

import pandas as pd

from harness.reporting.at_cost import AtCost, Cost
from harness.reporting.checklist import checklist_table
from harness.reporting.compute import equal_cost_table
from harness.reporting.controls import controls_table
from harness.reporting.effects_by_field import effects_tables
from harness.reporting.glossary import glossary_table
from harness.reporting.measures import Measure
from harness.reporting.optimism_table import optimism_tables
from harness.reporting.pairing import Account, Comparison
from harness.reporting.stability import stability_table
from harness.reporting.study_data import StudyData
from harness.reporting.table import Table

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
