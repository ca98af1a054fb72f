"""`harness run`: a study, from wherever it was left to its report."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.api.interruption import Interruption
from harness.api.studies import without_home
from harness.cli import launching, options
from harness.cli.dry_run import dry_run as dry_run_lines
from harness.cli.failed_runs import failed_runs
from harness.cli.portable import Portable
from harness.cli.registration_file import note_of_other_points
from harness.cli.sizes import parse_bytes
from harness.cli.studies import load_changed
from harness.staging.database import VARIABLE

if TYPE_CHECKING:
    from harness.reporting.report import Report

__all__ = ["run"]


def run(
    study: options.StudyName,
    trials: options.Trials = None,
    seeds: options.Seeds = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that train at the same time.")] = 1,
    timeout: options.Timeout = None,
    launcher: launching.Launcher = "processes",
    address: launching.Address = None,
    cpus_per_worker: launching.CpusPerWorker = None,
    gpus_per_worker: launching.GpusPerWorker = None,
    share: options.Share = True,
    cache_features: Annotated[
        bool, typer.Option(help="Compute features of what is frozen once; without sharing it is never done.")
    ] = True,
    packing: Annotated[bool, typer.Option(help="Train runs together where that changes no bit and saves time.")] = True,
    device: options.Device = None,
    precision: options.Precision = None,
    set_: options.SetFields = None,
    as_: options.Name = None,
    home: options.Home = Path("runs"),
    store: options.StoreFolder = None,
    storage: options.Storage = None,
    portable: Portable = False,  # noqa: ARG001  # applied before torch was loaded
    keep: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Of snapshots, such as 20GB; the least valuable are given up.")
    ] = None,
    tracker: options.Trackers = None,
    tracking_uri: options.TrackingUri = None,
    tracking: options.Tracking = True,
    tracking_points: options.TrackingPoints = "thinned",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do runs that failed anew.")] = False,
    changed_code: Annotated[
        bool,
        typer.Option("--changed-code", help="Keep completed runs though the study's own code changed."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and write nothing.")] = False,
    system_metrics: options.SystemMetrics = False,
) -> None:
    """Run a study, continuing it if it was begun, and write its report.

    The exit code is 1 if a run failed otherwise than by diverging, or none completed.
    """
    from rich.console import Console

    from harness.api.launch_study import LaunchSettings, launch_study
    from harness.api.progress import ProgressView
    from harness.reporting.data.wording import visible
    from harness.search.begin_study import note_of_sizes
    from harness.search.check import check_study
    from harness.search.retry import retry_on_disconnect
    from harness.staging.ledger import StudyOrigin
    from harness.staging.runner import Runner
    from harness.tracking.delivery.destination import destinations_of
    from harness.training.determinism import make_deterministic

    destinations = destinations_of(tracker or [], tracking_uri, home, tracking_points) if tracking else ()
    keep_bytes = parse_bytes(keep) if keep else None
    loaded, file = load_changed(study, fields=set_, device=device, precision=precision, other_name=as_)
    workspace = options.open_workspace(home, storage, store)
    settings = LaunchSettings(
        origin=StudyOrigin(without_home(study), tuple(set_ or [])),
        trials=trials,
        seeds=seeds,
        file=file,
        workers=workers,
        timeout_s=None if timeout is None else 60 * timeout,
        launcher=launching.launcher_of(launcher, address, cpus_per_worker, gpus_per_worker, workspace.ledger.database),
        keep_bytes=keep_bytes,
        retry_failed=retry_failed,
        changed_code=changed_code,
        destinations=destinations,
        system_metrics=system_metrics,
    )
    make_deterministic()
    with Interruption() as stop:
        runner = Runner(workspace, alone=not share, stop=stop, cache_features=share and cache_features, packing=packing)
        register = f"harness register {shlex.quote(without_home(study))}{_home_option(home)}{_storage_option(storage)}"
        notes = [
            *check_study(loaded, runner),
            note_of_sizes(loaded, workspace.ledger, trials, seeds),
            note_of_other_points(loaded, file, workspace.ledger, register),
        ]
        for note in filter(None, notes):
            typer.echo(f"harness: {note}", err=True)
        if dry_run:
            for line in dry_run_lines(loaded, runner, trials, seeds):
                typer.echo(line)
            return
        view = ProgressView(Console(), loaded.metric)
        left = launch_study(loaded, runner, settings, view, on_report=_show)
    command = f"{loaded.name}{_home_option(home)}"
    if left:
        typer.echo(f"Not shown by {left.where} yet: {left}; harness sync {command} delivers them", err=True)
    elif left is not None:
        typer.echo(f"Compare the runs:  harness ui {command}")
    if failed := failed_runs(retry_on_disconnect(lambda: workspace.ledger.runs(loaded.name)), command):
        typer.echo(f"harness: {visible(failed.line)}", err=True)
        raise typer.Exit(failed.exit_code)


def _show(report: "Report") -> None:
    typer.echo(f"\n{report.verdict}\n")
    typer.echo(f"Report:            {report.folder / 'report.html'}")


def _home_option(home: Path) -> str:
    return "" if home == Path("runs") else f" --home {shlex.quote(str(home))}"


def _storage_option(storage: str | None) -> str:
    """Name the option, but not the address, in which there may be a password."""
    return " --storage URL" if storage and storage != os.environ.get(VARIABLE) else ""
