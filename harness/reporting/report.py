"""Writing a report: the folder that answers a study's question.

It goes in two steps: what a home holds becomes the report's data, and the data becomes everything else. The second step
reads nothing but those files, so that anyone who has them can repeat it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.reporting.analysis.equal_cost import at_costs
from harness.reporting.analysis.pairing import Account, Comparison, account_for, primary_comparison
from harness.reporting.analysis.sensitivity import companions, detectable
from harness.reporting.analysis.tuned import confirmed, tuned_tables
from harness.reporting.checks.badge import Badge
from harness.reporting.checks.integrity import integrity_of, integrity_table
from harness.reporting.companion_tables import companion_tables
from harness.reporting.data.collect import collect
from harness.reporting.data.environment import environment
from harness.reporting.data.growth_axis import on_growth_axis
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.exhibits import exhibits_of
from harness.reporting.figures._base import Exhibit
from harness.reporting.importance.drivers import drivers, why_none
from harness.reporting.publication.manifest import MANIFEST, manifest_of
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.rendering import html, markdown
from harness.reporting.publication.reproduce_script import commands, script
from harness.reporting.publication.source_files import ENVIRONMENT, json_bytes, read_data, written_data
from harness.reporting.sections import sections_of
from harness.reporting.tables._base import Table, csv_bytes
from harness.reporting.tables.drivers import drivers_tables
from harness.reporting.tables.listed import environment_table, tables_of
from harness.reporting.text.narrative import caveats, estimand, limits, words_of
from harness.reporting.text.verdict import Kind, Verdict, judge

__all__ = ["Report", "report_files", "write_report"]

SUMMARY_VERSION = 1


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


@dataclass(frozen=True)
class _Findings:
    """Everything that was computed, before it is written; `data` are what is compared, `whole` all there are."""

    whole: StudyData
    data: StudyData
    environment: Mapping[str, Any]
    measure: Measure
    smallest_effect: float
    comparison: Comparison
    account: Account
    verdict: Verdict
    tables: dict[str, Table]
    exhibits: dict[str, Exhibit]
    badges: tuple[Badge, ...]


def write_report(home: Path, study: str, out: Path, storage: str | None = None) -> Report:
    """Write the report on the runs that have ended by now into the folder `out`.

    The same runs give the same bytes. A report that is there is replaced, but for a `README.md` in it. `storage` is the
    URL of the ledger's database, if it is not in the home.

    Raises:
        StudyNotFoundError: no study of that name was begun in this home.
        InputError: `out` is there and is no report, or cannot be written.
    """
    files = report_files(written_data(collect(home, study, storage), environment()))
    publish(out, files)
    verdict = json.loads(files["summary.json"])["verdict"]
    return Report(verdict["kind"], verdict["sentence"], out)


def report_files(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return all files of a report by relative path, `sources` (what `written_data` returns) among them.

    They follow from `sources` alone: the same sources give the same bytes.
    """
    whole = read_data(sources)
    findings = _findings(whole, json.loads(sources[ENVIRONMENT]))
    files = {**sources, **_files(findings)}
    return files | {MANIFEST: manifest_of(whole.study.name, files, whole.runs)}


def _findings(whole: StudyData, written_with: Mapping[str, Any]) -> _Findings:
    data = confirmed(whole)
    spec = data.study.spec
    comparison = primary_comparison(data)
    measure, smallest_effect = data.measure(comparison.metric), spec.smallest_effect
    account = account_for(data, comparison)
    curves = on_growth_axis(data.curves, comparison.pairs, data.arms)
    tables = tables_of(data, comparison, account, measure)
    spent = at_costs(data, measure)
    tables |= companion_tables(data, curves, comparison, account, measure, spent)
    badges = integrity_of(data, comparison, account)
    own_tables = {"environment": environment_table(written_with), "integrity": integrity_table(badges)}
    driving = drivers(data, comparison, measure)
    tables |= {table.name: table for table in drivers_tables(driving, comparison, measure)}
    return _Findings(
        *(whole, data, written_with, measure, smallest_effect, comparison, account),
        verdict=judge(comparison, measure, smallest_effect),
        tables=tables | tuned_tables(whole) | own_tables,
        exhibits=exhibits_of(data, curves, comparison, measure, smallest_effect, driving, spent),
        badges=badges,
    )


def _files(findings: _Findings) -> dict[str, bytes]:
    content = _content(findings)
    files = {
        "report.html": html(content),
        "report.md": markdown(content),
        "summary.json": json_bytes(_finite(_summary(findings))),
        "reproduce.sh": script(findings.whole),
    }
    for exhibit in findings.exhibits.values():
        files[f"figures/{exhibit.name}.png"] = exhibit.png
        files[f"figures/{exhibit.name}.svg"] = exhibit.svg
        files[f"figures/{exhibit.name}.csv"] = csv_bytes(exhibit.data)
    return files | {f"tables/{table.name}.csv": csv_bytes(table.frame) for table in findings.tables.values()}


def _content(findings: _Findings) -> dict[str, Any]:
    data, comparison, account = findings.data, findings.comparison, findings.account
    present = {name for name, table in findings.tables.items() if table.rows} | set(findings.exhibits)
    words = words_of(data, comparison, account, findings.measure)
    words["drivers"] = [reason] if comparison.mean.units and (reason := why_none(data, comparison)) else []
    return {
        "name": data.study.name,
        "title": data.study.spec.title,
        "question": data.study.spec.question,
        "verdict": findings.verdict,
        "headline": _headline(findings),
        "badges": findings.badges,
        "estimand": estimand(data, comparison, findings.measure),
        "caveats": caveats(data, comparison, account, findings.verdict),
        "limits": limits(data, comparison),
        "sections": sections_of(present, words, compared=bool(comparison.mean.units)),
        "tables": findings.tables,
        "exhibits": findings.exhibits,
        "commands": {"repeat": commands(findings.whole)},
    }


def _headline(findings: _Findings) -> list[tuple[str, str]]:
    """Return the few numbers to see at a glance, each with what it is."""
    measure, mean, account = findings.measure, findings.comparison.mean, findings.account
    completed = sum(arm.completed for arm in account.arms)
    found = [
        (str(mean.units), f"{findings.comparison.unit}s compared"),
        (f"{account.pairs_compared:,} of {account.pairs_planned:,}", "pairs of runs compared"),
        (f"{completed:,} of {findings.data.study.planned_runs:,}", "planned runs completed"),
    ]
    if smallest := detectable(findings.comparison):
        what = "smallest true difference that such a study finds 4 times in 5"
        found.insert(0, (measure.level(smallest), f"{what}{f', {measure.unit}' if measure.unit else ''}"))
    if mean.interval:
        ends = f"{measure.difference(mean.interval.low)} to {measure.difference(mean.interval.high)}"
        found.insert(0, (ends, f"95 % interval{f', {measure.unit}' if measure.unit else ''}"))
    if mean.units:
        arms = f"{findings.comparison.first} minus {findings.comparison.second}"
        found.insert(0, (measure.difference(mean.mean), f"{arms}{f', {measure.unit}' if measure.unit else ''}"))
    return found


def _summary(findings: _Findings) -> dict[str, Any]:
    comparison, mean, spec = findings.comparison, findings.comparison.mean, findings.data.study.spec
    return {
        "summary_version": SUMMARY_VERSION,
        "study": findings.data.study.name,
        "question": spec.question,
        "verdict": asdict(findings.verdict),
        "estimand": estimand(findings.data, comparison, findings.measure),
        "metric": findings.measure.metric,
        "comparison": [comparison.first, comparison.second],
        "smallest_effect": findings.smallest_effect,
        "difference": asdict(mean)
        | {"df": mean.df, "p": mean.p, "standardized": mean.standardized, "share_positive": comparison.share_positive},
        "minimum_detectable_effect": detectable(comparison),
        "companions": [asdict(companion) for companion in companions(findings.data.runs, comparison)],
        "hodges_lehmann": asdict(comparison.shift),
        "sensitive_to_outliers": comparison.sensitive,
        "seeds_by_configuration": dict(
            zip(
                (str(trial) for trial in comparison.configurations["trial"]),
                (int(seeds) for seeds in comparison.configurations["seeds"]),
                strict=True,
            )
        ),
        "runs": asdict(findings.account),
        "integrity": {badge.name: badge.status for badge in findings.badges},
    }


def _finite(content: Any) -> Any:
    """Replace what JSON cannot hold, a number that is none, by null."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
