"""`harness best`: the best configuration of a study, and a study file of it alone."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.core.errors import InputError, StudyNotFoundError

__all__ = ["best"]


def best(
    study: Annotated[str, typer.Argument(help="A study that was begun in this home.")],
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a study file that runs this configuration alone.")
    ] = None,
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Show the configuration with the best validation metric, and the value of each arm."""
    from harness.search.best import best_configuration, exported
    from harness.search.load import load_begun
    from harness.staging.ledger import Ledger

    ledger = Ledger(home, storage)
    record = ledger.study(study) if ledger.exists else None
    if record is None:
        raise StudyNotFoundError(f"no study {study!r} was begun in {ledger.database}; run it first, or name its --home")
    loaded = load_begun(record)
    found = best_configuration(loaded, record, ledger.runs(study))
    if export:
        _write(export, exported(loaded, found, record))
    typer.echo(f"{study}: trial {found.trial}, val/{loaded.metric} {found.value:.4f}, to {loaded.direction}")
    for name, value in found.params.items():
        typer.echo(f"  {name} = {value}  ({loaded.space[name].field})")
    for arm, value in found.arms.items():
        typer.echo(f"  arm {arm}: {value:.4f}")
    if found.failed:
        typer.echo(f"  {found.failed} of its runs failed")
    if export:
        typer.echo(f"Run it alone:  harness run {export}")


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise InputError(f"expected no file at {file}, found one; name another with --export") from None
    except OSError as error:
        raise InputError(f"cannot write {file} ({error.strerror}); name another with --export") from None
