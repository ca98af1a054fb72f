"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Home", "Tracking", "TrackingUri", "data_folder"]

Home = Annotated[Path, typer.Option(help="The folder that holds everything that was run.", envvar="HARNESS_HOME")]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        help="An MLflow server or database: http://HOST:PORT, https://USER:PASSWORD@HOST or sqlite:///FILE; "
        "by default a database in the home. A password is better given in the environment variable.",
        envvar="HARNESS_TRACKING_URI",
        show_envvar=True,
    ),
]
Tracking = Annotated[bool, typer.Option("--tracking/--no-tracking", help="Show the runs in MLflow while they train.")]


def data_folder() -> Path | None:
    """Return the folder in which data files are looked for first: `HARNESS_DATA_DIR`, if it is set."""
    name = os.environ.get("HARNESS_DATA_DIR")
    return Path(name) if name else None
