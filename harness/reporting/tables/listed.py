"""All tables of a report."""

from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.pareto_exhibits import pareto_tables
from harness.reporting.tables._base import Table
from harness.reporting.tables.design_tables import (
    arms_table,
    base_table,
    environment_table,
    failures_table,
    flow_table,
    seeds_table,
    space_table,
)
from harness.reporting.tables.failure_rates import collapse_tables
from harness.reporting.tables.power import power_tables
from harness.reporting.tables.published import published_tables
from harness.reporting.tables.result_tables import growths_table, outcomes_table, primary_table, runs_table
from harness.reporting.tables.secondary import secondary_tables
from harness.reporting.tables.sensitivity import sensitivity_table

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
