"""Tables of the design: what was compared, where, and what became of the planned runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from harness.core.digest import canonical_json
from harness.core.spec import flatten
from harness.reporting.analysis.pairing import Account
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import listed, setting
from harness.reporting.tables._base import Table, table_of_numbers, table_of_words
from harness.staging.study_spec import DimensionSpec

__all__ = [
    "arms_table",
    "base_table",
    "environment_table",
    "failures_table",
    "flow_table",
    "seeds_table",
    "space_table",
]


def arms_table(data: StudyData) -> Table:
    """Say what each arm changes."""
    rows = []
    for arm in data.arms:
        changes = [f"{path} = {setting(value)}" for path, value in data.study.spec.arms[arm].items()]
        rows.append((arm, "; ".join(changes) or "nothing: the base run as it is"))
    return table_of_words("arms", "Arms", ("arm", "what it changes in the base run"), rows)


def space_table(data: StudyData) -> Table:
    """List the searched fields and the values they may take."""
    rows = [
        (label, dimension.field, _values(dimension))
        for label, dimension in (data.searched or data).study.spec.space.items()
    ]
    return table_of_words("search_space", "Searched fields", ("searched", "field of the run", "values"), rows)


def _values(dimension: DimensionSpec) -> str:
    conditions = [f"{name} is {_any_of(wanted)}" for name, wanted in dimension.conditions.items()]
    return _range(dimension) + (f"; only where {listed(conditions)}" if conditions else "")


def _any_of(values: Sequence[Any]) -> str:
    return " or ".join(setting(value) for value in values)


def _range(dimension: DimensionSpec) -> str:
    if dimension.kind == "present":
        return "present or not"
    if dimension.options:
        return "one of " + "; ".join(setting(option) for option in dimension.options)
    ends = f"{setting(dimension.get('low'))} to {setting(dimension.get('high'))}"
    step = dimension.get("step")
    every = step is None or (step == 1 and dimension.kind == "int")
    return (
        ends
        + (", uniform in the logarithm" if dimension.logarithmic else "")
        + ("" if every else f", in steps of {step}")
    )


def base_table(data: StudyData) -> Table:
    """List every field of the base run."""
    rows = [(path, canonical_json(value)) for path, value in flatten(dict(data.study.spec.base)).items()]
    return table_of_words("base_run", "The base run", ("field", "value"), rows)


def flow_table(account: Account) -> Table:
    """Count, arm by arm, what became of the planned runs."""
    rows = [
        {
            "arm": arm.arm,
            "planned": f"{arm.planned:,}",
            "completed": f"{arm.completed:,}",
            "failed": f"{arm.failed:,}",
            **({"given up": f"{arm.pruned:,}"} if account.pruned else {}),
            "not ended": f"{arm.unfinished:,}",
            "in the comparison": f"{arm.compared:,}",
        }
        for arm in account.arms
    ]
    return table_of_numbers("runs_by_arm", "What became of the planned runs", rows, pd.DataFrame(rows))


def failures_table(account: Account) -> Table:
    """Count the failed runs by reason."""
    rows = [
        {"why a run failed": reason or "no reason recorded", "runs": f"{times:,}"} for reason, times in account.reasons
    ]
    frame = pd.DataFrame(account.reasons, columns=["reason", "runs"])
    return table_of_numbers("failures", "Failed runs", rows, frame)


def seeds_table(data: StudyData) -> Table:
    """List the seeds; every stream of a run, from initial values to the order of the data, follows from its seed."""
    columns = ["seed", "configurations", "runs"]
    grouped = data.runs.groupby("seed").agg(configurations=("trial", "nunique"), runs=("run_id", "size")).reset_index()
    rows = [{name: f"{record[name]:,}" for name in columns} for record in grouped.to_dict("records")]
    return table_of_numbers("seeds", "Seeds", rows, grouped[columns])


def environment_table(found: Mapping[str, Any]) -> Table:
    """List what the report was written with."""
    rows = [(str(name).removeprefix("packages."), str(value)) for name, value in flatten(dict(found)).items()]
    return table_of_words("environment", "What this report was written with", ("what", "version"), rows)
