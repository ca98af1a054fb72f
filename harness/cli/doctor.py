"""`harness doctor`: what this machine has of what harness needs."""

from itertools import chain
from pathlib import Path

import typer

from harness.cli import options

__all__ = ["doctor"]


def doctor(
    home: options.Home = Path("runs"),
    store: options.StoreFolder = None,
    storage: options.Storage = None,
    tracking_uri: options.TrackingUri = None,
) -> None:
    """Say what is installed, which devices, folders and databases there are, and how to get what is missing.

    Nothing is written. The exit code is 1 if something keeps harness from working.
    """
    from harness.diagnosis import look_at_hardware, look_at_places, look_at_software

    workspace = options.open_workspace(home, storage, store)
    found = list(chain(look_at_software(), look_at_hardware(), look_at_places(workspace, tracking_uri)))
    width = max(len(one.subject) for one in found)
    for one in found:
        typer.echo(f"{one.state:<7}  {one.subject:<{width}}  {one.says}")
        if one.remedy:
            typer.echo(f"{'':<7}  {'':<{width}}    {one.remedy}")
    wrong = [one.subject for one in found if one.state == "wrong"]
    missing = sum(one.state == "missing" for one in found)
    if wrong:
        typer.echo(f"\nTo be put right first: {', '.join(wrong)}.")
        raise typer.Exit(1)
    typer.echo(f"\nAll that harness needs is there{'; what is missing, only some studies need' if missing else ''}.")
