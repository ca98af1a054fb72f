"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Home", "data_folder"]

Home = Annotated[Path, typer.Option(help="The folder that holds everything that was run.", envvar="HARNESS_HOME")]


def data_folder() -> Path | None:
    """Return the folder in which data files are looked for first: `HARNESS_DATA_DIR`, if it is set."""
    name = os.environ.get("HARNESS_DATA_DIR")
    return Path(name) if name else None
