"""What a study came to, for scripts and notebooks."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import final

import pandas as pd

from harness.core.errors import InputError
from harness.reporting.context import ReportContext
from harness.reporting.data.collect import collect
from harness.reporting.data.environment import environment
from harness.reporting.data.wording import count, visible
from harness.reporting.figures._base import ReportFigure
from harness.reporting.publication.report_folder import read_intact_report
from harness.reporting.render import render
from harness.reporting.report import Report, context_of, write_report
from harness.reporting.results.difference import Difference, difference_of
from harness.reporting.results.parts import FIGURES, TABLES, make_figure, make_table
from harness.reporting.results.tidy import tidy_curves, tidy_runs
from harness.reporting.tables._base import ReportTable
from harness.staging.workspace import Workspace

__all__ = ["StudyResults", "results_in", "results_of_report"]

Write = Callable[[Path | None], Report]


@final
class StudyResults:
    """The results of a study: of a half-finished one, what there is by now.

    Args:
        context: from which its report follows.
        write: writes the report into a folder, or where it lies by default.
    """

    def __init__(self, context: ReportContext, write: Write) -> None:
        self._context = context
        self._write = write

    @property
    def name(self) -> str:
        """The name of the study."""
        return self._context.whole.study.name

    @property
    def verdict(self) -> str:
        """The answer to the study's question, in a sentence."""
        return self._context.verdict.sentence

    @property
    def arms(self) -> list[str]:
        """The arms; the two that are compared come first."""
        return self._context.whole.arms

    @property
    def metrics(self) -> list[str]:
        """The metrics that any run has, with their splits; those of `runs`."""
        return self._context.whole.metrics

    @property
    def runs(self) -> pd.DataFrame:
        """One row a run that has ended: what names it, how it ended, the searched values, and its metrics."""
        return tidy_runs(self._context.whole)

    @property
    def curves(self) -> pd.DataFrame:
        """One row a run, series and step: `trial, arm, seed, name, step, steps_since_growth, grown, value`."""
        return tidy_curves(self._context.whole)

    def difference(self, first: str | None = None, second: str | None = None, metric: str | None = None) -> Difference:
        """Return how much higher `metric` is under the arm `first` than under `second`, with its interval.

        Without arguments, it is the difference that the study asks for, as its report says it. No difference is
        adjusted for how many are looked at.

        Raises:
            InputError: there is no such arm or metric.
        """
        return difference_of(self._context, first, second, metric)

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of the figures; of some there may be nothing to draw."""
        return FIGURES

    def figure(self, name: str = "forest") -> ReportFigure:
        """Return a figure of the report, which a notebook shows; `forest` is every configuration's difference.

        Raises:
            InputError: there is no such figure, or nothing to draw.
        """
        return make_figure(self._context, name)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables; of some there may be no rows."""
        return TABLES

    def table(self, name: str) -> ReportTable:
        """Return a table of the report: `frame` has its numbers at full precision.

        Raises:
            InputError: there is no such table, or it has no rows.
        """
        return make_table(self._context, name)

    def report(self, out: str | Path | None = None) -> Report:
        """Write the report, with all figures and tables, into the folder `out`, or else where it lies in its home.

        Raises:
            InputError: `out` is there and is no report, or cannot be written.
        """
        return self._write(None if out is None else Path(out))

    def __repr__(self) -> str:
        counted = self._context.whole.runs["status"].value_counts()
        ended = ", ".join(f"{amount} {status}" for status, amount in counted.items()) or "none has ended"
        planned = count(self._context.whole.study.planned_runs, "run")
        return f"{self.name}: {ended} of {planned}. {self.verdict}"

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.name)}</b>: {escape(repr(self).removeprefix(f'{self.name}: '))}"


def results_in(workspace: Workspace, study: str) -> StudyResults:
    """Return the results of a study that was begun in a home.

    Raises:
        StudyNotFoundError: no study of that name was begun there.
    """
    context = ReportContext(collect(workspace, study), environment())
    return StudyResults(context, lambda out: write_report(workspace, study, out or workspace.report_folder(study)))


def results_of_report(folder: Path) -> StudyResults:
    """Return the results that a report holds, whoever wrote it.

    Raises:
        InputError: the folder holds no report as it was written, or none that follows from its data.
    """
    files = read_intact_report(folder)
    try:
        context = context_of(files)
        verdict = context.verdict
    except Exception as error:  # noqa: BLE001  # whatever a forged file makes the report's own code do
        cause = f"{type(error).__name__}: {visible(str(error)):.120}"
        raise InputError(f"expected a report's data in {folder}, found: {cause}; see harness verify {folder}") from None

    def write(out: Path | None) -> Report:
        return Report(verdict.kind, verdict.sentence, render(folder, out).folder if out else folder)

    return StudyResults(context, write)
