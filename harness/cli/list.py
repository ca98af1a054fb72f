"""`harness list`: the studies there are, and how far they have come."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli import options
from harness.reporting.data.wording import count
from harness.search.find import likely_studies, own_studies

if TYPE_CHECKING:
    from harness.staging.ledger import StudyRecord

__all__ = ["list_studies"]


def list_studies(home: options.Home = Path("runs"), storage: options.Storage = None) -> None:
    """List the studies and how far each has come in this home."""
    ledger = options.open_workspace(home, storage).ledger
    begun = {record.name: record for record in ledger.studies()} if ledger.exists else {}
    counts = ledger.run_counts() if ledger.exists else {}
    states = {name: _state(begun.get(name), counts.get(name, {})) for name in sorted({*begun, *own_studies()})}
    width = max(map(len, states), default=0)
    for name, state in states.items():
        typer.echo(f"{name:<{width}}  {state}")
    for line in () if states else _advice():
        typer.echo(line)


def _advice() -> Iterator[str]:
    """Yield what to do where there are no studies."""
    yield "No studies here. A study is a folder with a study.py under studies/."
    for path in likely_studies():
        yield f"{path} looks like one; as it lies there:  harness run {shlex.quote(str(path))}"
    yield "harness new NAME  makes one to change"
    yield "harness examples  lists those that come with harness"


def _state(record: "StudyRecord | None", counts: Mapping[str, int]) -> str:
    if record is None:
        return "not begun"
    ended, planned = sum(counts.values()), record.planned_runs
    failed = f", {counts['failed']} failed" if counts.get("failed") else ""
    state = "finished" if ended >= planned else "half-finished"
    return f"{state}: {ended} of {count(planned, 'run')}{failed}"
