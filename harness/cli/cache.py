"""`harness cache`: what the stage store holds, whether it is whole, and how to make it smaller."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.cli.sizes import bytes_in_words, parse_bytes, seconds_in_words
from harness.core.errors import HarnessError, InputError
from harness.reporting.data.wording import count

if TYPE_CHECKING:
    from harness.staging.workspace import Workspace

__all__ = ["app"]

app = typer.Typer(help="Look after the stage store.", no_args_is_help=True)


@app.command("list")
def list_stages(
    home: options.Home = Path("runs"), store: options.StoreFolder = None, storage: options.Storage = None
) -> None:
    """List the stages by chain: where each begins, where it is stored, its size, and the training time it saves."""
    from rich.console import Console
    from rich.table import Table

    from harness.staging.eviction import snapshot_bytes

    stages = _open(home, store, storage).store
    entries = stages.entries()
    table = Table("stage", "from", "stored at", "snapshots", "history", "trained for")
    for key in dict.fromkeys(entry.address.key for entry in entries):
        of_key = [entry for entry in entries if entry.address.key == key]
        steps = ", ".join(f"{entry.address.step}{' (evicted)' if entry.evicted else ''}" for entry in of_key)
        sizes = (sum(entry.snapshot_bytes for entry in of_key), sum(entry.metrics_bytes for entry in of_key))
        table.add_row(
            key[:12], str(of_key[0].start), steps, *map(bytes_in_words, sizes), seconds_in_words(of_key[-1].seconds)
        )
    Console().print(table)
    total, once = sum(entry.snapshot_bytes for entry in entries), snapshot_bytes(stages, entries)
    shared = f", {bytes_in_words(once)} on disk: what they have in common is stored once" if once < total else ""
    typer.echo(f"{count(len(entries), 'stage')}, {bytes_in_words(total)} of snapshots{shared}")


@app.command("verify")
def verify(
    home: options.Home = Path("runs"), store: options.StoreFolder = None, storage: options.Storage = None
) -> None:
    """Check every record of the ledger, Optuna's trials, and the bytes of every stage.

    Stages that are damaged are set aside, to be trained again when needed; a record that is damaged ends the check.
    """
    from harness.core.errors import SnapshotError
    from harness.search.trial_check import damaged_trials
    from harness.staging.ledger_check import check_records

    workspace = _open(home, store, storage)
    stages = workspace.store
    records = check_records(stages.ledger.database)
    trials = damaged_trials(workspace)
    stages.clear_leftovers()
    damaged = stages.drop_damaged_entries()
    entries = stages.entries()
    total = damaged + len(entries)
    for entry in entries:
        try:
            stages.metrics(entry)
            if not entry.evicted:
                stages.snapshot(entry)
        except SnapshotError:
            damaged += 1
    if damaged:
        raise HarnessError(f"{damaged} of {total} stages were damaged; the next run trains them again")
    if trials:
        raise HarnessError(
            f"expected Optuna's trials as they were written, found damage in {len(trials)}: {trials[0]}; the next run "
            "makes them anew from the ledger"
        )
    without = sum(not digest for digest in records.values())
    said = f", {without} of them saved without a digest" if without else ""
    typer.echo(f"{count(len(entries), 'stage')} and {count(len(records), 'record')} of runs{said} are what was written")


@app.command("evict")
def evict(
    keep: Annotated[str, typer.Option(metavar="SIZE", help="How much to keep of snapshots, such as 500M or 20GB.")],
    home: options.Home = Path("runs"),
    store: options.StoreFolder = None,
    storage: options.Storage = None,
) -> None:
    """Give up the least valuable snapshots; histories stay, and what is needed again is trained again."""
    from harness.staging.eviction import evict_to

    stages = _open(home, store, storage).store
    evicted, freed = evict_to(stages, parse_bytes(keep))
    stages.clear_leftovers()
    typer.echo(f"{len(evicted)} snapshots given up, {bytes_in_words(freed)} freed")


def _open(home: Path, store: Path | None, storage: str | None) -> "Workspace":
    workspace = options.open_workspace(home, storage, store)
    if not workspace.ledger.exists:
        raise InputError(f"expected a home with a ledger, found none at {home}; name it with --home")
    return workspace
