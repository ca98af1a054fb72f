"""The runs of a report, compared with what its study plans."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

if TYPE_CHECKING:
    from harness.reporting.data.study_data import StudyData
    from harness.reporting.verification.verify import Outcome
    from harness.search.study import Study

__all__ = ["verify_plan"]

MOST = 20
UNKNOWN_KIND = "expected a kind among"
MOST_PLANNED = 10_000  # beside what the report has: a forged study could keep its reader busy for ever


def verify_plan(
    report: Path,
    file: Path | None,
    differences: tuple[str, ...],
    not_shown: list[str] | None = None,
    *,
    likely: Path | None = None,
) -> "Outcome | None":
    """Plan the study of a report anew, say in what its runs are others, and return the outcome; None if it passes.

    Args:
        report: its folder.
        file: executed for the parts that the study may define.
        differences: how this environment differs from the report's.
        not_shown: gets a sentence if the plan cannot be made.
        likely: the file here that is probably the study's, which is named and not executed.
    """
    from harness.reporting.data.wording import visible
    from harness.reporting.verification.recorded_runs import recorded_study
    from harness.search.load import load_study
    from harness.search.plan_departures import plan_departures
    from harness.search.study import Study

    if file:
        load_study(file)
    data, runs = recorded_study(report)
    record = data.study
    try:
        study = Study.model_validate(record.spec)
    except ValidationError as error:
        typer.echo(visible(f"the plan was not compared: {_why_not(error, file, likely)}"))
        if not_shown is not None:
            not_shown.append(
                "not shown: that these runs, and no others, are those that the study plans; say --study FILE"
            )
        return None
    if record.planned_runs > MOST_PLANNED + 100 * len(runs):
        typer.echo(f"FAIL: the study plans {record.planned_runs:,} runs, and the report has {len(runs):,}")
        return "FAIL"
    departures = plan_departures(study, runs, trials=record.trials, seeds=record.seeds)
    lines = [*departures.keys, *departures.values, *_not_as_registered(study, data)]
    for line in lines[:MOST]:
        typer.echo(visible(f"level 1: plan: {line}"))
    if departures.unknown:
        typer.echo(visible(f"a part of the plan was not compared: {departures.unknown}"))
    if not lines:
        typer.echo(f"the plan: all {len(runs)} runs are those that the study plans, with their values and seeds")
        return None
    other = study.sampler.learns and any(difference.startswith("optuna ") for difference in differences)
    outcome: Outcome = "CANNOT-RUN" if other and not departures.keys else "FAIL"
    typer.echo(f"{outcome}: the runs are not those that the study plans")
    return outcome


def _why_not(error: ValidationError, file: Path | None, likely: Path | None) -> str:
    """Say why the study of a report cannot be read, and what to do."""
    from harness.core.own_place import shown
    from harness.core.spec import explain

    own = [".".join(map(str, one["loc"])) for one in error.errors() if UNKNOWN_KIND in one["msg"]]
    if file or not own:
        return f"{explain(error)}; say --study FILE if the study defines parts"
    option = f"--study {shown(likely.resolve())}" if likely else "--study FILE, the file of the study"
    return (
        f"the study defines {', '.join(dict.fromkeys(own))} itself, and nobody's code is executed unasked; once you "
        f"have looked at it, add {option}"
    )


def _not_as_registered(study: "Study", data: "StudyData") -> list[str]:
    """Compare the planned runs with the digest of those that were registered."""
    from harness.search.registration import planned_runs_digest

    registration = data.ledger.registration if data.ledger else None
    if registration is None:
        return []
    trials, seeds = (int(registration.content[name]) for name in ("trials", "seeds"))
    if planned_runs_digest(study, trials=trials, seeds=seeds) == registration.content.get("runs_sha256"):
        return []
    return [f"the {trials} configurations with {seeds} seeds are not those that were registered"]
