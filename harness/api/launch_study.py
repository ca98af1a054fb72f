"""From a study to its report: what `harness run` and `harness.run` have in common."""

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.reporting.collection import uncollected
from harness.search.launch import launch
from harness.search.launchers import AbstractLauncher
from harness.search.observer import Observer
from harness.search.observers import Observers
from harness.search.retry import retry_on_disconnect
from harness.search.study import Study
from harness.search.worker_executor import WorkerExecutor
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.tracking.delivery.destination import Destination
from harness.tracking.delivery.outcome import save_outcome
from harness.tracking.delivery.process import Delivery, start_delivery
from harness.tracking.delivery.undelivered import Undelivered
from harness.tracking.live.feed import NO_FEED, LiveFeed

if TYPE_CHECKING:
    from harness.reporting.report import Report

__all__ = ["LaunchSettings", "launch_study"]


@dataclass(frozen=True)
class LaunchSettings:
    """What a launch is given beside the study, and that changes no number of a run.

    Attributes:
        origin: how the study was called.
        trials: configurations, if not the study's own number.
        seeds: likewise.
        file: where the study was loaded from.
        modules: that define classes of the study and are imported by workers.
        workers: processes that train at the same time.
        timeout_s: a run that makes no step for so long is given up; None for never.
        launcher: starts the workers, if not as processes on this machine.
        keep_bytes: of snapshots; beyond it the least valuable are given up.
        retry_failed: whether runs that failed are done anew.
        changed_code: whether completed runs are kept that other code of the study's own classes has made.
        destinations: where the study is shown while it trains.
        system_metrics: whether it is shown, too, what processes use of the machine.
    """

    origin: StudyOrigin
    trials: int | None = None
    seeds: int | None = None
    file: Path | None = None
    modules: Sequence[str] = ()
    workers: int = 1
    timeout_s: float | None = None
    launcher: AbstractLauncher | None = None
    keep_bytes: int | None = None
    retry_failed: bool = False
    changed_code: bool = False
    destinations: Sequence[Destination] = ()
    system_metrics: bool = False

    @property
    def in_workers(self) -> bool:
        """Whether runs are trained by other processes: only another one notices that a run hangs."""
        return self.workers > 1 or self.timeout_s is not None or self.launcher is not None


def launch_study(
    study: Study,
    runner: Runner,
    settings: LaunchSettings,
    view: AbstractContextManager[Observer],
    *,
    observer: Observer | None = None,
    on_report: Callable[["Report"], None] = lambda _: None,
) -> Undelivered | None:
    """Execute every run of `study` that has not ended yet, write its report, and show it where it is to be shown.

    Args:
        study: that can be run, as `check_study` has found.
        runner: trains in this process; workers make one like it.
        settings: of this launch.
        view: an observer in whose block runs are trained.
        observer: a further one, which is told of the runs of workers when they end.
        on_report: called with the report, which may be before all of the study is shown.

    Returns:
        What could not be shown; None if nothing was to be shown.

    Raises:
        StudyChangedError: a study of that name was begun in this home with another spec, or with other code.
        InterruptedRunError: this process was asked to stop.
    """
    workspace = runner.workspace
    retry_on_disconnect(functools.partial(_entered, study, workspace, settings))
    with _delivery(study, workspace, settings) as delivery:
        with view as seen:
            record = _trained(study, runner, settings, seen, observer)
        on_report(retry_on_disconnect(lambda: _reported(record, workspace)))
        return delivery.finish() if delivery else None


def _entered(study: Study, workspace: Workspace, settings: LaunchSettings) -> None:
    """Write into the ledger how the study is called; once more changes nothing."""
    workspace.ledger.create()
    if settings.retry_failed:
        workspace.ledger.forget_failures(study.name)
    workspace.ledger.save_origin(study.name, settings.origin)


def _trained(
    study: Study, runner: Runner, settings: LaunchSettings, view: Observer, observer: Observer | None
) -> StudyRecord:
    live = bool(settings.destinations)
    executor = WorkerExecutor(
        settings.workers,
        runner,
        settings.file,
        live=live,
        timeout_s=settings.timeout_s,
        launcher=settings.launcher,
        modules=settings.modules,
        observer=observer,
    )
    with executor:
        begin = functools.partial(
            launch,
            study,
            runner,
            Observers(view, observer) if observer else view,
            feed=LiveFeed(runner.workspace.home) if live else NO_FEED,
            trials=settings.trials,
            seeds=settings.seeds,
            file=settings.file,
            keep_bytes=settings.keep_bytes,
            execute=executor.execute if settings.in_workers else None,
            changed_code=settings.changed_code or settings.retry_failed,  # who tries again may have mended the code
        )
        return retry_on_disconnect(begin)


def _delivery(
    study: Study, workspace: Workspace, settings: LaunchSettings
) -> "AbstractContextManager[Delivery | None]":
    """Return a context in which another process shows the study, if it is to be shown."""
    if not settings.destinations:
        return nullcontext()
    return start_delivery(settings.destinations, workspace, study.name, system_metrics=settings.system_metrics)


def _reported(record: StudyRecord, workspace: Workspace) -> "Report":
    with uncollected():
        from harness.reporting.report import write_report  # matplotlib, which nobody needs before

    report = write_report(workspace, record.name, workspace.report_folder(record.name))
    save_outcome(workspace.home, record, report.verdict)
    return report
