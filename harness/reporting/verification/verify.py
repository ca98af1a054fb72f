"""Verifying a report: are its files the ones that were written, and does everything in it follow from its data?

Level 0 looks at hashes, sizes, row counts, and that no file is missing or superfluous. Level 1 reads `data/`,
`study.json` and `environment.json`, writes the report anew, and compares byte for byte: with the files in the folder,
and with the manifest's digests of those that a published folder leaves out. Neither loads torch or any code of the
study. Whoever forges the data and then writes everything anew passes both; training runs again catches that.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.core.digest import digest
from harness.reporting.analysis.sampling_error import contradicted
from harness.reporting.checks.registered import registration_departures
from harness.reporting.data.columns import RECORD
from harness.reporting.data.curve_frame import curve_digests
from harness.reporting.data.environment import RENDERING, environment, environment_differences
from harness.reporting.data.ledger_account import changed_records, root_of_runs
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.manifest import MANIFEST, changed_runs, check_files, digests_left_out, name_of_row
from harness.reporting.publication.readable import unreadable
from harness.reporting.publication.report_folder import scan_report
from harness.reporting.publication.source_files import (
    ANSWERS,
    CURVES,
    ENVIRONMENT,
    RUNS,
    SOURCES,
    STUDY,
    read_data,
    sources_among,
)
from harness.reporting.report import report_files
from harness.reporting.verification.claims import false_claim, false_verdict
from harness.reporting.verification.differences import difference, has_numbers
from harness.reporting.verification.failed_checks import CHECKS, failed_checks, failed_runs
from harness.reporting.verification.pictures import other_pictures
from harness.reporting.verification.recorded_runs import recorded_runs
from harness.reporting.verification.shown_numbers import compare_shown

__all__ = ["Outcome", "Problem", "Verification", "verify"]

Outcome = Literal["PASS-BITWISE", "PASS-TOLERANCE", "FAIL", "CANNOT-RUN"]
RUN_ID_LENGTH = 16
TEXT = "report.md"
SHOWN = (TEXT, "details.md", "runs.md", "checklists.md", "report.html", "runs.html", "checklists.html")
PAGES = (TEXT, "report.html")
FIGURE = re.compile(r"<svg\b.*?</svg>|<style\b.*?</style>", re.DOTALL)
CODE = ("code_sha256", "harness ")
DRAWS = (*CODE, *(f"{name} " for name in RENDERING))
NEAR = 1e-6  # what rounding may change without anybody saying how much


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: at which level it was found, in which file, and what it is."""

    level: int
    path: str
    what: str


@dataclass(frozen=True)
class Verification:
    """What a verification came to.

    Attributes:
        files: how many files were looked at, or computed and their digests compared.
        problems: what is wrong.
        differences: in what this environment differs from the one that the report was written with.
        not_compared: files that another environment cannot be expected to write to the byte.
        left_out: how many files do not lie in the folder.
        as_shown: those of them whose numbers were compared as the report's text shows them.
        source: how the study was called, by its name or path.
        failed_checks: of a fair comparison, computed from the data, with what was found.
        failed_runs: how many failed, by why.
    """

    outcome: Outcome
    files: int
    problems: tuple[Problem, ...] = ()
    differences: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    left_out: int = 0
    as_shown: tuple[str, ...] = ()
    source: str = ""
    failed_checks: tuple[str, ...] = ()
    failed_runs: tuple[str, ...] = ()


def verify(folder: Path, tolerance: float | None = None) -> Verification:
    """Verify a report at levels 0 and 1.

    With a `tolerance`, a report that another environment has written is compared number by number, pages by their words
    and numbers, pictures by what they show; what another version wrote in other words or drew otherwise cannot be
    compared, and is no pass. Numbers of tables that do not lie there are compared as the report's texts show them.

    Raises:
        InputError: the folder holds no report.
    """
    files, refused = scan_report(folder)
    if wrong := [*refused, *unreadable(files)]:
        return Verification("FAIL", len(files), tuple(Problem(0, *problem) for problem in wrong))
    integrity = [Problem(0, *problem) for problem in check_files(files)]
    missing = [name for name in SOURCES if name not in files]
    if missing:
        return Verification("FAIL", len(files), tuple(integrity or [Problem(0, missing[0], "is missing")]))
    try:
        data = read_data(files)
        integrity += [Problem(0, RUNS, row) for row in changed_runs(files.get(MANIFEST, b""), data.runs)]
        integrity += _contradictions(data)
        integrity += [
            Problem(1, ANSWERS, f"the answers of the run {run} come to another metric") for run in contradicted(data)
        ]
        again = report_files(sources_among(files))
        integrity += [Problem(1, CHECKS, line) for line in failed_checks(again, decisive=True)]
        differences = environment_differences(json.loads(files[ENVIRONMENT]), environment())
    except Exception as error:  # noqa: BLE001  # whatever a forged file makes the report's own code do
        problem = Problem(1, "data", f"cannot be read as a report's data: {type(error).__name__}: {error!s:.120}")
        return Verification("FAIL", len(files), (*integrity, problem))
    found = _judged(files, again, integrity, differences, tolerance)
    failed = (tuple(failed_checks(again, decisive=False)), failed_runs(data.runs))
    return replace(found, source=data.origin.source, failed_checks=failed[0], failed_runs=failed[1])


def _judged(
    files: Mapping[str, bytes],
    again: Mapping[str, bytes],
    integrity: list[Problem],
    differences: list[str],
    tolerance: float | None,
) -> Verification:
    problems = [*integrity, *_recomputed(files, again)]
    left_out = len(digests_left_out(files))
    if not problems:
        return Verification("PASS-BITWISE", len(again), left_out=left_out)
    if not differences or integrity:
        return Verification("FAIL", len(files), tuple(problems), tuple(differences), left_out=left_out)
    within = _judged_within(files, again, problems, differences, NEAR if tolerance is None else tolerance)
    if claims := _false_claims(files, again):
        return replace(within, outcome="FAIL", problems=(*claims, *within.problems))
    if tolerance is None and not (_is_same_code(differences) and within.outcome == "FAIL"):
        return Verification("CANNOT-RUN", len(files), tuple(problems), tuple(differences), left_out=left_out)
    return within


def _false_claims(files: Mapping[str, bytes], again: Mapping[str, bytes]) -> list[Problem]:
    """Return what the head of either page says otherwise than the data, in whatever words."""
    pages = {path: [found.get(path, b"").decode(errors="replace") for found in (files, again)] for path in PAGES}
    found = [Problem(1, path, claim) for path, page in pages.items() if (claim := false_verdict(*page))]
    claim = false_claim(*pages[TEXT])
    return [*found, *([Problem(1, TEXT, claim)] if claim else [])]


def _is_same_code(differences: Sequence[str]) -> bool:
    """Whether both environments write the same words and compute the same numbers but for rounding."""
    return not any(difference.startswith(CODE) for difference in differences)


def _judged_within(
    files: Mapping[str, bytes],
    again: Mapping[str, bytes],
    problems: list[Problem],
    differences: list[str],
    tolerance: float,
) -> Verification:
    """Judge a report of another environment, whose files are those of its manifest, by its numbers."""
    left_out = digests_left_out(files)
    as_shown = tuple(path for path in left_out if has_numbers(path) and _is_other(path, left_out, again))
    beyond = [problem for problem in _recomputed(files, again, tolerance) if has_numbers(problem.path)]
    beyond = [problem for problem in beyond if problem.path not in as_shown]
    # Another version makes more tables and figures than this report ever had.
    more: set[str] = set() if _is_same_code(differences) else set(again) - set(files) - set(left_out)
    beyond = [problem for problem in beyond if problem.path not in more]
    outcome: Outcome = "FAIL" if beyond else "PASS-TOLERANCE"
    # Another version has other words, which prove nothing, but in the same words it has the same numbers.
    for path in SHOWN:
        if path in files and (shown := compare_shown(_words(path, files), _words(path, again), tolerance)):
            kind, what = shown
            beyond.append(Problem(1, path, what))
            fails = outcome == "FAIL" or kind == "numbers" or _is_same_code(differences)
            outcome = "FAIL" if fails else "CANNOT-RUN"
    for path in other_pictures(files, again):
        beyond.append(Problem(1, path, "shows something else than is drawn from the data"))
        drawn_alike = not any(difference.startswith(DRAWS) for difference in differences)
        outcome = "FAIL" if outcome == "FAIL" or drawn_alike else "CANNOT-RUN"
    skipped = tuple(problem.path for problem in problems if not has_numbers(problem.path) or problem.path in more)
    return Verification(
        outcome, len(files), tuple(beyond), tuple(differences), skipped, len(left_out), () if beyond else as_shown
    )


def _words(path: str, files: Mapping[str, bytes]) -> str:
    """Return what people read in a file; another version of matplotlib draws other figures."""
    return FIGURE.sub("", files[path].decode(errors="replace")) if path in files else ""


def _recomputed(files: Mapping[str, bytes], again: Mapping[str, bytes], tolerance: float = 0.0) -> list[Problem]:
    """Compare the report with what follows from the data; tables first, since they name rows."""
    left_out = digests_left_out(files)
    order = sorted({*files, *left_out, *again} - {MANIFEST}, key=lambda path: (not path.startswith("tables/"), path))
    problems = []
    for path in order:
        if path not in again:
            problems.append(Problem(1, path, "does not follow from the data"))
        elif _is_other(path, left_out, again):
            problems.append(Problem(1, path, "is left out, and the manifest names another than the one that follows"))
        elif path not in files and path not in left_out:
            problems.append(Problem(1, path, "is missing: the data has it"))
        elif path in files and (what := difference(path, files[path], again[path], tolerance)):
            problems.append(Problem(1, path, what))
    if not problems and not tolerance and files.get(MANIFEST) != again[MANIFEST]:
        problems.append(Problem(1, MANIFEST, "is not the one that follows from the files"))
    return problems


def _is_other(path: str, digests: Mapping[str, str], again: Mapping[str, bytes]) -> bool:
    return path in again and path in digests and hashlib.sha256(again[path]).hexdigest() != digests[path]


def _contradictions(data: StudyData) -> list[Problem]:
    """Hold runs, their configurations and their curves against each other."""
    found = []
    digests = curve_digests(data.curves)
    runs = data.runs
    for place, (run, config, recorded) in enumerate(
        zip(runs["run_id"], runs["config"], runs["curves_sha256"], strict=True)
    ):
        row = f"row {place + 1} ({name_of_row(runs, place)})"
        if digest(json.loads(config))[:RUN_ID_LENGTH] != run:
            found.append(Problem(1, RUNS, f"{row}, column config: is not the configuration of the run {run}"))
        if digests.get(run, "") != recorded:
            found.append(Problem(1, CURVES, f"the curves of {row} are not those whose digest the run has"))
    strangers = sorted(set(digests) - set(runs["run_id"]))
    found += [Problem(1, RUNS, f"the run {run} is missing: its curves are in {CURVES}") for run in strangers]
    registration = data.ledger.registration if data.ledger else None
    departures = registration_departures(data, registration.content) if registration else []
    found += [Problem(1, STUDY, f"is not the study that was registered: {what}") for what in departures]
    return [*found, *_other_records(data)]


def _other_records(data: StudyData) -> list[Problem]:
    """Hold runs against the digests of their records in the ledger; older reports have none."""
    runs = data.runs
    if data.ledger is None or RECORD not in runs:
        return []
    found = [
        Problem(1, RUNS, f"row {place + 1} ({name_of_row(runs, place)}) is not the record whose digest it has")
        for place in changed_records(recorded_runs(data), runs)
    ]
    if root_of_runs(runs) != data.ledger.root:
        found.append(Problem(1, STUDY, f"ledger.records_sha256: is not the root over the records in {RUNS}"))
    return found
