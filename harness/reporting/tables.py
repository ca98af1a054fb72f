"""All tables of a report."""

from harness.reporting.collapse_table import collapse_tables
from harness.reporting.design_tables import (
    arms_table,
    base_table,
    environment_table,
    failures_table,
    flow_table,
    seeds_table,
    space_table,
)
from harness.reporting.measures import Measure
from harness.reporting.pairing import Account, Comparison
from harness.reporting.pareto_exhibits import pareto_tables
from harness.reporting.power_table import power_tables
from harness.reporting.published_table import published_tables
from harness.reporting.result_tables import growths_table, outcomes_table, primary_table, runs_table
from harness.reporting.robustness_table import sensitivity_table
from harness.reporting.secondary_table import secondary_tables
from harness.reporting.study_data import StudyData
from harness.reporting.table import Table

__all__ = ["environment_table", "tables_of"]


def tables_of(data: StudyData, comparison: Comparison, account: Account, measure: Measure) -> dict[str, Table]:
    """Return all tables by name."""
    tables = (
        arms_table(data),
        space_table(data),
        flow_table(account),
        failures_table(account),
        primary_table(comparison, measure),
        outcomes_table(data, comparison),
        growths_table(data),
        *secondary_tables(data, comparison),
        *collapse_tables(data, comparison),
        *published_tables(data),
        *pareto_tables(data),
        sensitivity_table(data, comparison, measure),
        *power_tables(data),
        runs_table(data, measure),
        seeds_table(data),
        base_table(data),
    )
    return {table.name: table for table in tables}
