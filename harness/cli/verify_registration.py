"""The registration of a report's study: what it says, whether it is the file that was published, and its time stamp."""

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.reporting.data.study_data import StudyData
    from harness.reporting.verification.verify import Outcome

__all__ = ["verify_registration"]

MOST_BYTES = 2**24
LIMIT_S = 30


def verify_registration(report: Path, file: Path | None, authorities: Path | None) -> "Outcome | None":
    """Say what a report's registration is worth, and return FAIL if it is not the one in `file`, or came too late.

    Args:
        report: its folder.
        file: the registration as its author published it; a time stamp of it lies beside it as `FILE.tsr`.
        authorities: the certificates that sign time stamps, as PEM.
    """
    from harness.reporting.checks.registered import registration_departures, repeats, utc, words_changed
    from harness.reporting.data.wording import visible
    from harness.reporting.publication.report_folder import read_report
    from harness.reporting.publication.source_files import read_data
    from harness.staging.registration import registration_bytes

    data = read_data(read_report(report))
    known = data.ledger.registration if data.ledger else None
    content = _read(file) if file else b""
    for change in words_changed(data, _parsed(content) if file else known.content if known else {}):
        typer.echo(visible(f"registration: {change}; such words may change, so read what was asked for"))
    if file is None:
        for line in _without_file(data):
            typer.echo(line)
        return None
    problems = []
    if known is None:
        problems += [f"the study is not the one that was registered: {what}" for what in _departures(data, content)]
        typer.echo("registration: the report does not mention one; its study is compared with the file")
    elif registration_bytes(known.content) == content:
        problems += registration_departures(data, known.content)
        typer.echo(f"registration: the report has the one in {file}, made {utc(known.at)} by its ledger")
    elif repeats(known.content, _parsed(content)):
        problems += registration_departures(data, known.content)
        typer.echo(f"registration: the report's repeats the one in {file}, made {utc(known.at)} by its ledger")
    else:
        problems.append("the file is not the registration that the report has")
    problems += _stamp_problems(file, content, known.first_launch if known else None, authorities)
    for problem in problems:
        typer.echo(visible(f"registration: {problem}"))
    if problems:
        typer.echo("FAIL: the study is not the one that was registered, or was registered too late")
    return "FAIL" if problems else None


def _without_file(data: "StudyData") -> list[str]:
    from harness.reporting.checks.registered import registered

    if data.ledger is None:
        return ["registration and digests of the ledger: not recorded, since the report is older than these"]
    if data.ledger.registration is None:
        return ["registration: not registered, so that nothing says what was planned before data were seen"]
    return [
        f"registration: {registered(data).evidence}",
        "registration: so says the report alone; name the file that its author published with --registration FILE",
    ]


def _departures(data: "StudyData", content: bytes) -> list[str]:
    from harness.reporting.checks.registered import registration_departures

    return registration_departures(data, _parsed(content))


def _parsed(content: bytes) -> Any:
    """Return what a registration says, and nothing if it cannot be read."""
    import json

    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return {}


def _stamp_problems(file: Path, content: bytes, first_launch: float | None, authorities: Path | None) -> list[str]:
    """Say what the time stamp beside `file` shows, and return what is wrong with it."""
    from harness.reporting.checks.registered import utc
    from harness.reporting.verification.time_stamp import read_time_stamp

    path = file.with_name(f"{file.name}.tsr")
    if not path.is_file():
        typer.echo(f"time stamp: none at {path}; when the file was made is for its commit or tag to say")
        return []
    try:
        stamp = read_time_stamp(_read(path))
    except ValueError as error:
        return [f"{path} is no time stamp: {error}"]
    if not stamp.is_of(content):
        return [f"the time stamp {path} is of another file"]
    if first_launch is not None and stamp.at > first_launch:
        return [f"the time stamp is of {utc(stamp.at)}, after the first launch, {utc(first_launch)}"]
    if authorities is None:
        typer.echo(f"time stamp: of {utc(stamp.at)} and of this file; who signed it was not checked: give --ca FILE")
        return []
    if problem := _signature_problem(path, file, authorities):
        return [problem]
    typer.echo(f"time stamp: of {utc(stamp.at)} and of this file, signed by an authority of {authorities}")
    return []


def _signature_problem(stamp: Path, file: Path, authorities: Path) -> str:
    program = shutil.which("openssl")
    if program is None:
        return "the signature of the time stamp cannot be checked: openssl is not installed"
    arguments = ["ts", "-verify", "-in", str(stamp), "-data", str(file), "-CAfile", str(authorities)]
    try:
        ended = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the signature of the time stamp cannot be checked: {error}"
    said = " ".join((ended.stderr or ended.stdout).split())[-200:]
    return "" if ended.returncode == 0 else f"the signature of the time stamp does not hold: {said}"


def _read(path: Path) -> bytes:
    """Return a plain file of a size that such files have.

    Raises:
        InputError: it is none.
    """
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise InputError(f"expected a registration or time stamp at {path}, found none of at most {MOST_BYTES:,} bytes")
    return path.read_bytes()
