"""`harness --version`."""

from typing import Annotated

import typer

import harness

__all__ = ["version"]


def _say(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harness {harness.__version__}")
        raise typer.Exit


def version(
    version: Annotated[  # said before any command
        bool, typer.Option("--version", callback=_say, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """The experiment harness for growing neural networks."""
