"""What a report is made of: a study, its runs, their curves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.reporting.data.answers import AnswerFrames
from harness.reporting.data.columns import PARAM
from harness.reporting.data.ledger_account import LedgerAccount
from harness.reporting.data.measures import Measure, measure_of
from harness.staging.ledger import StudyOrigin, StudyRecord

__all__ = ["StudyData"]


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
        ledger: the ledger that the runs come from; None in reports that did not record it.
        answers: to every test example, at the end of runs and before their first growth; None where they were not kept.
        searched: if these are the runs that confirm the winners of searches, all runs of that study.
    """

    study: StudyRecord
    runs: pd.DataFrame
    curves: pd.DataFrame
    lost: tuple[str, ...]
    origin: StudyOrigin
    earlier: tuple[Mapping[str, Any], ...] = ()
    answers: AnswerFrames | None = None
    searched: "StudyData | None" = None
    ledger: LedgerAccount | None = None

    @property
    def labels(self) -> list[str]:
        """The names of the searched fields."""
        return list(self.study.spec.space)

    def measure(self, metric: str) -> Measure:
        """Describe a metric of this study, such as `test/rmse/cooling`, in the unit of its output."""
        outputs = self.study.spec.task.get("outputs") or {}
        units = {name: str(output.get("unit", "")) for name, output in outputs.items()}
        return measure_of(metric, units, self.study.spec.metrics)

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
