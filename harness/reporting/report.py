"""Writing a report: the folder that answers a study's question.

What a home holds becomes the report's sources, and the sources become everything else. The second step reads nothing
but those files, so that anyone who has them can repeat it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from harness.reporting.checks.badge import in_short
from harness.reporting.collection import uncollected
from harness.reporting.context import ReportContext
from harness.reporting.data.collect import collect
from harness.reporting.data.environment import environment
from harness.reporting.figures._base import ReportFigure
from harness.reporting.importance.drivers import why_none
from harness.reporting.publication.manifest import MANIFEST, manifest_of
from harness.reporting.publication.published_files import published_files
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.rendering import rendered_pages
from harness.reporting.publication.reproduce_script import commands, script
from harness.reporting.publication.source_files import ENVIRONMENT, read_data, written_data
from harness.reporting.publication.summary import summary_of
from harness.reporting.sections import make_parts, sections_of
from harness.reporting.tables._base import ReportTable, csv_bytes
from harness.reporting.tables.published import said_of_published
from harness.reporting.text.caveats import caveats
from harness.reporting.text.commonest_class import commonest_class
from harness.reporting.text.headline import headline
from harness.reporting.text.narrative import estimand, limits, words_of
from harness.reporting.text.sampling_error import in_words
from harness.reporting.text.standing import said_of_other_arms
from harness.reporting.text.verdict import Kind
from harness.staging.workspace import Workspace

__all__ = ["Report", "context_of", "report_files", "write_report"]


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        kind: the verdict in a word or two, how the first arm of the comparison fares against the second.
        verdict: the verdict as a sentence.
        folder: where `report.html`, `report.md`, the figures, the tables and the data lie.
    """

    kind: Kind
    verdict: str
    folder: Path

    def _repr_html_(self) -> str:
        page = escape(str(self.folder / "report.html"), quote=True)
        return f'{escape(self.verdict)} <a href="{page}">{page}</a>'


def write_report(workspace: Workspace, study: str, out: Path, *, whole: bool = True) -> Report:
    """Write the report on the runs that have ended by now into the folder `out`.

    The same runs give the same bytes. A report that is there is replaced, but for a `README.md` in it. Unless `whole`,
    files that follow from others are left out.

    Raises:
        StudyNotFoundError: no study of that name was begun in this home.
        InputError: `out` is there and is no report, or cannot be written.
    """
    files = report_files(written_data(collect(workspace, study), environment()))
    publish(out, files if whole else published_files(files))
    verdict = json.loads(files["summary.json"])["verdict"]
    return Report(verdict["kind"], verdict["sentence"], out)


def report_files(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return all files of a report by relative path, `sources` (what `written_data` returns) among them.

    They follow from `sources` alone: the same sources give the same bytes.
    """
    with uncollected():
        return _report_files(sources)


def context_of(sources: Mapping[str, bytes]) -> ReportContext:
    """Return what the report with these `sources` is made from."""
    return ReportContext(read_data(sources), json.loads(sources[ENVIRONMENT]))


def _report_files(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    context = context_of(sources)
    made = make_parts(context)
    figures = {part.name: part for part in made.values() if isinstance(part, ReportFigure)}
    tables = {part.name: part for part in made.values() if isinstance(part, ReportTable)}
    words = _sentences(context)
    content = _verdict_content(context) | {
        "sections": sections_of(made, words, compared=context.compared),
        "tables": tables,
        "figures": figures,
    }
    files = {
        **sources,
        **rendered_pages(content),
        "summary.json": summary_of(context),
        "reproduce.sh": script(context.whole),
        **_figure_files(figures),
        **{f"tables/{name}.csv": csv_bytes(table.frame) for name, table in tables.items()},
    }
    return files | {MANIFEST: manifest_of(context.whole.study.name, files, context.whole.runs)}


def _sentences(context: ReportContext) -> dict[str, list[str]]:
    """Return the sentences that open the sections, by the sections' anchors."""
    words = words_of(context.data, context.comparison, context.account, context.measure)
    reason = why_none(context.data, context.comparison) if context.compared else ""
    words["primary"] += commonest_class(context.data, context.measure)
    words["primary"] += in_words(context.sampling_error, context.measure, context.comparison.unit)
    return words | {"drivers": [reason] if reason else []}


def _verdict_content(context: ReportContext) -> dict[str, Any]:
    """Return what stands before the sections, and the commands among them, under the names that templates use."""
    data, comparison, account, measure = context.data, context.comparison, context.account, context.measure
    return {
        "name": data.study.name,
        "title": data.study.spec.title,
        "question": data.study.spec.question,
        "verdict": context.verdict,
        "answer": context.judged.sentence,
        "besides": context.besides,
        "others": _said_of_others(context),
        "checks": in_short(context.badges),
        "headline": headline(data, comparison, account, measure, context.sampling_error),
        "compared": (comparison.first, comparison.second),
        "badges": context.badges,
        "estimand": estimand(data, comparison, measure),
        "caveats": caveats(data, comparison, account, context.verdict),
        "limits": limits(data, comparison),
        "commands": {"repeat": commands(context.whole)},
    }


def _said_of_others(context: ReportContext) -> str:
    arms = said_of_other_arms(context.data, context.comparison, context.measure, context.standings)
    return " ".join(filter(None, [arms if context.compared else "", said_of_published(context.data)]))


def _figure_files(figures: Mapping[str, ReportFigure]) -> dict[str, bytes]:
    return {
        f"figures/{figure.name}.{suffix}": content
        for figure in figures.values()
        for suffix, content in (("png", figure.png), ("svg", figure.svg), ("csv", csv_bytes(figure.data)))
    }
