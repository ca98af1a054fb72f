"""`harness verify`: whether a report is what was written, and follows from its data."""

import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from harness.cli.portable import AsRecorded, train_as_recorded

if TYPE_CHECKING:
    from harness.reporting.verification.verify import Outcome, Verification

__all__ = ["verify"]

EXIT_CODES = {"PASS-BITWISE": 0, "PASS-TOLERANCE": 0, "FAIL": 1, "CANNOT-RUN": 3}
MOST = 20
LONGEST = 500  # characters of a line: a path in a manifest may have any number


class Sample(NamedTuple):
    """Which runs are trained again: how many a nonce chooses, and those that were named."""

    amount: int
    nonce: str
    named: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.amount or self.named)


def verify(
    report: Annotated[Path, typer.Argument(help="The folder of a report.")],
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, help="For a report of another machine: how far numbers may differ, such as 1e-9."),
    ] = None,
    again: Annotated[int, typer.Option("--rerun", min=0, help="How many runs are trained again.")] = 0,
    named: Annotated[
        list[str] | None,
        typer.Option("--run", help="A run that is trained again: TRIAL/ARM/SEED or its id; may be repeated."),
    ] = None,
    nonce: Annotated[str, typer.Option(help="Chooses the runs; drawn anew unless given.")] = "",
    study: Annotated[
        str, typer.Option(help="The study's name, folder or file, if it defines parts of its own and was moved.")
    ] = "",
    registration: Annotated[
        Path | None, typer.Option(help="The registration that the author published, with its time stamp FILE.tsr.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="Certificates of those who sign time stamps, as PEM.")] = None,
    portable: AsRecorded = None,
) -> None:
    """Check a report's files, write it anew from its data, and compare. Exit codes: 0 pass, 1 fail, 3 cannot run.

    With --rerun, runs are also trained again, alone and from step 0, and compared to the bit. Which ones depends on the
    report and on a nonce, drawn now, that its author could not know. --run names those that you doubt.
    """
    from harness.cli.verify_registration import verify_registration
    from harness.reporting.data.wording import visible
    from harness.reporting.verification.other_machine import was_pinned
    from harness.reporting.verification.verify import verify as verified

    found = verified(report, tolerance)
    sample = Sample(again, nonce, tuple(named or ()))
    if sample and found.outcome != "FAIL":
        train_as_recorded(was_pinned(report), portable)
    for line in _lines(found, tolerance):
        typer.echo(visible(line)[:LONGEST])
    outcomes = [found.outcome]
    if found.outcome != "FAIL":
        outcomes += [outcome for outcome in [verify_registration(report, registration, ca)] if outcome]
        not_shown: list[str] = []
        outcomes += _of_runs(report, found, sample, study, tolerance, not_shown)
        for line in (*found.failed_runs[:MOST], *not_shown):
            typer.echo(visible(line)[:LONGEST])
    codes = [EXIT_CODES[outcome] for outcome in outcomes]
    raise typer.Exit(1 if 1 in codes else max(codes))


def _of_runs(
    report: Path, found: "Verification", sample: Sample, study: str, tolerance: float | None, not_shown: list[str]
) -> "Iterator[Outcome]":
    """Compare the runs with the study's plan, and a `sample` with what training gives; yield the outcomes.

    What could not be compared is added to `not_shown`.
    """
    from harness.cli.retrain import study_file
    from harness.cli.verify_plan import verify_plan

    file = study_file(report, found.source, study) if sample or study else None
    if sample or study:
        typer.echo(f"code that is executed: harness and {file}" if file else "code that is executed: harness alone")
    outcome = verify_plan(report, file, found.differences, not_shown, likely=study_file(report, found.source))
    if outcome:
        yield outcome
    if sample and outcome != "FAIL":
        yield from _trained_again(report, sample, file, tolerance)


def _trained_again(report: Path, sample: Sample, file: Path | None, tolerance: float | None) -> "Iterator[Outcome]":
    """Train runs again, say what came of each, and yield the outcomes."""
    from harness.cli.retrain import trainer
    from harness.reporting.data.wording import count, visible
    from harness.reporting.verification.rerun import chosen_runs, rerun

    nonce = sample.nonce or secrets.token_hex(8)
    chosen = chosen_runs(report, sample.amount, nonce, sample.named)
    are = "is" if len(chosen.rows) == 1 else "are"
    how = ["as named"] * bool(chosen.named) + [f"chosen by --nonce {nonce}"] * bool(sample.amount)
    if len(how) == 2:
        how = [f"{chosen.named} {how[0]}", f"{len(chosen.rows) - chosen.named} {how[1]}"]
    typer.echo(f"{count(len(chosen.rows), 'run')} {are} trained again, {' and '.join(how)}")
    if chosen.differences:
        typer.echo(f"this environment differs from the report's: {visible('; '.join(chosen.differences))}")
    outcomes: Counter[Outcome] = Counter()
    for run in rerun(chosen, trainer(file), tolerance):
        same = "every metric, the history and the final weights are the same to the bit"
        typer.echo(visible(f"level 2: {run.name}: {run.what or same}"))
        outcomes[run.outcome] += 1
        yield run.outcome
    typer.echo(
        ", ".join(f"{outcome}: {amount} of {count(len(chosen.rows), 'run')}" for outcome, amount in outcomes.items())
    )


def _lines(found: "Verification", tolerance: float | None = None) -> list[str]:
    lines = [f"level {problem.level}: {problem.path}: {problem.what}" for problem in found.problems[:MOST]]
    if len(found.problems) > MOST:
        lines.append(f"and {len(found.problems) - MOST} more")
    if found.outcome != "PASS-BITWISE" and found.differences:
        lines.append(f"this environment differs from the report's: {'; '.join(found.differences)}")
    if found.outcome == "CANNOT-RUN":
        other = "" if tolerance else ", or compare numbers, words and pictures with --tolerance 1e-9"
        lines.append(f"install the versions in environment.json{other}")
    if found.not_compared:
        lines.append(f"not compared byte by byte, which another environment writes: {', '.join(found.not_compared)}")
    if found.as_shown:
        lines.append(
            f"compared as the report's text shows them, since they do not lie here: {', '.join(found.as_shown)}"
        )
    whole = f"all {found.files} files are those of the manifest and follow from the data, byte for byte"
    left_out = f"; {found.left_out} of them do not lie here and were computed" if found.left_out else ""
    conclusions = {
        "PASS-BITWISE": whole + left_out,
        "PASS-TOLERANCE": f"all {found.files} files are the manifest's, and all numbers and words follow from the data",
        "FAIL": "the report is not what was written, or does not follow from its data",
        "CANNOT-RUN": "the numbers of its tables follow from the data; its words or pictures are another version's"
        if tolerance
        else "the report cannot be written anew to the byte in this environment",
    }
    lines += [f"so says the report of itself: {check}" for check in found.failed_checks]
    return [*lines, f"{found.outcome}: {conclusions[found.outcome]}"]
