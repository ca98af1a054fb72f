"""`harness signal`: a word to runs that wait for it."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options

__all__ = ["signal"]


def signal(
    study: Annotated[str, typer.Argument(help="A study that was begun in this home.")],
    name: Annotated[str, typer.Argument(help="The name that a trigger of the kind `signal` waits for.")],
    run: Annotated[str | None, typer.Option(help="The id of one run; all of them, if none is given.")] = None,
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Send a signal to the runs of a study; each hears it at its next evaluation."""
    from harness.staging.not_begun import not_begun
    from harness.staging.signals import save_signal

    ledger = options.open_workspace(home, storage).ledger
    if not ledger.exists or ledger.study(study) is None:
        raise not_begun(study, home, [known.name for known in ledger.studies()] if ledger.exists else [])
    ledger.create()
    save_signal(ledger.database, study, name, run)
    typer.echo(f"Sent {name!r} to {run or 'every run'} of {study}.")
