"""What a report is made of: a study, its runs, their curves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.reporting.data.measures import Measure, measure_of
from harness.staging.ledger import StudyOrigin, StudyRecord

__all__ = [
    "ABSENT",
    "FIXED",
    "PARAM",
    "PROOFS",
    "RUN",
    "TRUNK_FLOPS",
    "TRUNK_SECONDS",
    "StudyData",
    "column_of",
    "is_absent",
]

PARAM = "param/"
RUN = ["trial", "arm", "seed"]  # names a run; where configurations come to the same, ids do not
ABSENT = math.nan  # stands where a dimension does not exist; no searched value is NaN, and a dash is written for it
FIXED = ("trial", "arm", "seed", "run_id", "status", "reason", "fork", "growth_step", "parameters_added")
TRUNK_SECONDS = "seconds_to_growth"  # how long training took before the first growth; older reports lack it
TRUNK_FLOPS = "flops_to_growth"  # likewise the operations
PROOFS = ("history_sha256", "curves_sha256", "final_sha256", "config")


@dataclass(frozen=True)
class StudyData:
    """A study and what its runs have left behind.

    Attributes:
        runs: one row a run that has ended, by trial, arm and seed. `fork` names the stored state from which the run
            went on after its first growth; searched values are in `param/<label>`, `ABSENT` where there is none,
            metrics under their own names. The last columns are what the run can be repeated from and checked against:
            its resolved configuration as JSON, and the SHA-256 of its whole history, of its rows in `curves` and of its
            last snapshot.
        curves: one row a run, series and step. `grown` tells the two values at the step of the growth apart.
            Training losses are means over the steps since the evaluation before.
        lost: run ids whose histories the store no longer has.
        origin: how the study was called.
        earlier: the forms that the study's spec had, before it gained fields, when some of the runs were begun.
        searched: if these are the runs that confirm the winners of searches, all runs of that study.
    """

    study: StudyRecord
    runs: pd.DataFrame
    curves: pd.DataFrame
    lost: tuple[str, ...]
    origin: StudyOrigin
    earlier: tuple[Mapping[str, Any], ...] = ()
    searched: "StudyData | None" = None

    @property
    def labels(self) -> list[str]:
        """The names of the searched fields."""
        return list(self.study.spec.space)

    def measure(self, metric: str) -> Measure:
        """Describe a metric of this study, such as `test/rmse/cooling`, in the unit of its output."""
        outputs = self.study.spec.task.get("outputs") or {}
        return measure_of(metric, {name: str(output.get("unit", "")) for name, output in outputs.items()})

    @property
    def metrics(self) -> list[str]:
        """The metrics that any run has."""
        return [name for name in map(str, self.runs.columns) if "/" in name and not name.startswith(PARAM)]

    @property
    def fair(self) -> bool:
        """Whether no sampler that looks at results chose the configurations, as far as that is recorded."""
        return self.study.spec.sampler.fair

    @property
    def arms(self) -> list[str]:
        """The arms; the two that are compared come first."""
        return list(dict.fromkeys([*self.study.spec.comparison, *self.study.spec.arms]))


def is_absent(value: Any) -> bool:
    """Return whether a searched value is none, because its dimension does not exist there."""
    return isinstance(value, float) and math.isnan(value)


def column_of(values: Sequence[Any]) -> Any:
    """Return searched values as a column in which a whole number stays one beside `ABSENT`."""
    return pd.Series(values, dtype=object) if any(map(is_absent, values)) else values
