"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.api.workspaces import data_folder, open_workspace
from harness.search.find import study_folders
from harness.staging.database import VARIABLE

__all__ = [
    "Device",
    "Home",
    "Name",
    "Precision",
    "Seeds",
    "SetFields",
    "Share",
    "Storage",
    "StoreFolder",
    "StudyName",
    "SystemMetrics",
    "Timeout",
    "Trackers",
    "Tracking",
    "TrackingPoints",
    "TrackingUri",
    "Trials",
    "data_folder",
    "open_workspace",
]

Home = Annotated[Path, typer.Option(help="The folder that holds everything that was run.", envvar="HARNESS_HOME")]
Storage = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="One database for many machines, postgresql://...; by default SQLite files in the home.",
        envvar=VARIABLE,
        show_envvar=True,
    ),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option("--store", help="The folder of finished stages, if not `store` in the home.", envvar="HARNESS_STORE"),
]


def _names_like(incomplete: str) -> list[str]:
    """Return the studies whose names begin with what was typed, for the shell."""
    return [name for name in study_folders() if name.startswith(incomplete)]


StudyName = Annotated[
    str,
    typer.Argument(
        help="A name under studies/ or of `harness examples`, or the path of a study's folder or file.",
        autocompletion=_names_like,
    ),
]
Trials = Annotated[int | None, typer.Option(min=1, help="Configurations, if not the study's own number.")]
Seeds = Annotated[int | None, typer.Option(min=1, help="Seeds, if not the study's own number.")]
Device = Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where to train.")]
Precision = Annotated[Literal["auto", "fp32", "bf16", "fp16"] | None, typer.Option(help="Of forward passes.")]
SetFields = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B.C=VALUE", help="Change a field of the base run; may be repeated."),
]
Name = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Run the study under another name.")]
Share = Annotated[bool, typer.Option(help="Let runs share the stages that they have in common, or train each alone.")]
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
Trackers = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker",
        metavar="NAME",
        help="Where runs are shown: mlflow, tensorboard, wandb, csv or none, or MODULE:CLASS or FILE.py:CLASS of your "
        "own; may be repeated. By default mlflow; sync and ui take those of the last run.",
        envvar="HARNESS_TRACKER",
        show_envvar=True,
    ),
]
Tracking = Annotated[bool, typer.Option("--tracking/--no-tracking", help="Show the runs while they train.")]
TrackingPoints = Annotated[
    Literal["thinned", "all"],
    typer.Option(
        help="Which points of curves MLflow gets: those of training at evaluations, or of every step, which takes ten "
        "times the space. Reports have every step.",
        envvar="HARNESS_TRACKING_POINTS",
    ),
]
SystemMetrics = Annotated[
    bool, typer.Option("--system-metrics", help="Show processor time and memory of the processes that train as well.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        min=0.01,
        help="Give up a run that makes no step for so long; more than an evaluation takes. By default none is.",
    ),
]
