"""`harness run`: a study, from wherever it was left to its report."""

import functools
import shlex
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import launching, options
from harness.cli.dry_run import dry_run as dry_run_lines
from harness.cli.interruption import Interruption
from harness.cli.portable import Portable
from harness.cli.sizes import parse_bytes
from harness.cli.studies import load_changed
from harness.reporting.collection import uncollected

if TYPE_CHECKING:
    from harness.search.launchers import AbstractLauncher
    from harness.search.study import Study
    from harness.staging.ledger import StudyRecord
    from harness.staging.runner import Runner
    from harness.staging.workspace import Workspace
    from harness.tracking.delivery.destination import Destination
    from harness.tracking.delivery.process import Delivery

__all__ = ["run", "without_home"]


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
    tracking_uri: options.TrackingUri = None,
    tracking: options.Tracking = True,
    tracking_points: options.TrackingPoints = "thinned",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do runs that failed anew.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and write nothing.")] = False,
    system_metrics: options.SystemMetrics = False,
) -> None:
    """Run a study, continuing it if it was begun, and write its report."""
    from harness.search.check import check_study
    from harness.staging.ledger import StudyOrigin
    from harness.staging.runner import Runner
    from harness.tracking.delivery.destination import parse_destination
    from harness.training.determinism import make_deterministic

    loaded, file = load_changed(study, fields=set_, device=device, precision=precision, other_name=as_)
    workspace = options.open_workspace(home, storage, store)
    ledger = workspace.ledger
    starter = launching.launcher_of(launcher, address, cpus_per_worker, gpus_per_worker, ledger.database)
    make_deterministic()
    with Interruption() as stop:
        runner = Runner(workspace, alone=not share, stop=stop, cache_features=share and cache_features, packing=packing)
        for note in check_study(loaded, runner):
            typer.echo(f"harness: {note}", err=True)
        if dry_run:
            for line in dry_run_lines(loaded, runner, trials, seeds):
                typer.echo(line)
            return
        ledger.create()
        if retry_failed:
            ledger.forget_failures(loaded.name)
        ledger.save_origin(loaded.name, StudyOrigin(without_home(study), tuple(set_ or [])))
        _launch(
            loaded,
            file,
            runner,
            replace(parse_destination(tracking_uri, home), points=tracking_points) if tracking else None,
            trials=trials,
            seeds=seeds,
            workers=workers,
            timeout=timeout,
            launcher=starter,
            keep_bytes=parse_bytes(keep) if keep else None,
            system_metrics=system_metrics,
        )


def _launch(
    study: "Study",
    file: Path,
    runner: "Runner",
    destination: "Destination | None",
    *,
    trials: int | None,
    seeds: int | None,
    workers: int,
    timeout: float | None,
    launcher: "AbstractLauncher | None",
    keep_bytes: int | None,
    system_metrics: bool,
) -> None:
    from rich.console import Console

    from harness.cli.progress import ProgressView
    from harness.search.launch import launch
    from harness.search.retry import retry_on_disconnect
    from harness.search.worker_executor import WorkerExecutor
    from harness.tracking.live.feed import NO_FEED, LiveFeed

    home = runner.workspace.home
    timeout_s = None if timeout is None else 60 * timeout
    executor = WorkerExecutor(
        workers, runner, file, live=destination is not None, timeout_s=timeout_s, launcher=launcher
    )
    with _delivery(study, runner, destination, system_metrics=system_metrics) as delivery:
        with ProgressView(Console(), study.metric) as view, executor:
            begin = functools.partial(
                launch,
                study,
                runner,
                view,
                feed=LiveFeed(home) if destination else NO_FEED,
                trials=trials,
                seeds=seeds,
                file=file,
                keep_bytes=keep_bytes,
                execute=executor.execute if workers > 1 or timeout or launcher else None,
            )
            record = retry_on_disconnect(begin)
        _conclude(record, runner.workspace)
        if delivery and (left := delivery.finish()):
            typer.echo(
                f"Not shown by MLflow yet: {left.runs} runs, {left.points} points ({left.reason}); "
                f"harness sync {study.name}{_home_option(home)} delivers them",
                err=True,
            )
        elif delivery:
            typer.echo(f"Compare the runs:  harness ui {study.name}{_home_option(home)}")


def _delivery(
    study: "Study", runner: "Runner", destination: "Destination | None", *, system_metrics: bool
) -> "AbstractContextManager[Delivery | None]":
    """Return a context in which another process shows the study in MLflow, if it is to be shown."""
    from harness.tracking.delivery.process import start_delivery

    if destination is None:
        return nullcontext()
    return start_delivery(destination, runner.workspace, study.name, system_metrics=system_metrics)


def without_home(source: str) -> str:
    """Return the name or path of a study as it may be published: relative, whoever's folder it lies in."""
    path = Path(source)
    if not path.is_absolute():
        return source
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.parent.name if path.suffix else path.name


def _conclude(record: "StudyRecord", workspace: "Workspace") -> None:
    with uncollected():
        from harness.reporting.report import write_report
    from harness.tracking.delivery.outcome import save_outcome

    report = write_report(workspace, record.name, workspace.report_folder(record.name))
    save_outcome(workspace.home, record, report.verdict)
    typer.echo(f"\n{report.verdict}\n")
    typer.echo(f"Report:            {report.folder / 'report.html'}")


def _home_option(home: Path) -> str:
    return "" if home == Path("runs") else f" --home {shlex.quote(str(home))}"
