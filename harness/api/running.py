"""Running a study from a script or a notebook."""

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.api.guarded_observer import GuardedObserver
from harness.api.interruption import Interruption
from harness.api.launch_study import LaunchSettings, launch_study
from harness.api.process_settings import process_settings_kept
from harness.api.studies import changed_study, origin_of
from harness.api.view import view_of
from harness.api.worker_modules import modules_for_workers
from harness.api.workspaces import workspace_at
from harness.core.errors import InputError, InterruptedRunError
from harness.reporting.results.study_results import StudyResults, results_in
from harness.search.begin_study import note_of_sizes
from harness.search.check import check_study
from harness.search.launchers import AbstractLauncher
from harness.search.observer import Observer
from harness.search.study import Study
from harness.staging.runner import Runner
from harness.tracking import AbstractTracker
from harness.tracking.delivery.destination import TRACKERS, VARIABLE, destinations_of
from harness.training.determinism import make_deterministic

__all__ = ["run"]

log = logging.getLogger(__name__)

NO_CHANGES: Mapping[str, Any] = MappingProxyType({})


def run(
    study: Study | str | Path,
    *,
    trials: int | None = None,
    seeds: int | None = None,
    workers: int = 1,
    home: str | Path | None = None,
    changes: Mapping[str, Any] = NO_CHANGES,
    name: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    observer: Observer | None = None,
    progress: bool = True,
    tracking: bool = True,
    tracker: str | type[AbstractTracker] | Sequence[str | type[AbstractTracker]] = (),
    tracking_uri: str | None = None,
    retry_failed: bool = False,
    changed_code: bool = False,
    share: bool = True,
    cache_features: bool = True,
    packing: bool = True,
    keep_bytes: int | None = None,
    timeout_s: float | None = None,
    launcher: AbstractLauncher | None = None,
    storage: str | None = None,
    store: str | Path | None = None,
) -> StudyResults:
    """Run a study, continuing it if it was begun, write its report, and return its results.

    It does what `harness run` does. Torch's settings of the process are as before when it returns.

    Args:
        study: itself, a name under `studies/`, or the path of a study's folder or file.
        trials: configurations, if not the study's own number.
        seeds: of each configuration, if not the study's own number.
        workers: processes that train at the same time.
        home: the folder of all that was run; else `HARNESS_HOME`, else `runs` here.
        changes: of fields of the base run, such as `{"training.optimizer.lr": 0.01}`.
        name: another name for the study, so that it can stand beside the unchanged one.
        device: `auto`, `cpu` or `cuda`.
        precision: of forward passes: `auto`, `fp32`, `bf16` or `fp16`.
        observer: told what happens, of runs that workers train when they end. What it raises ends the launch after the
            next step; everything is stored, and the error is raised here.
        progress: whether bars are shown on a terminal and in a notebook, and lines elsewhere.
        tracking: whether the runs are shown while they train.
        tracker: where: `mlflow`, `tensorboard`, `wandb`, `csv`, or a class of your own, or several; else what
            `HARNESS_TRACKER` names, else MLflow.
        tracking_uri: an MLflow server or database; else `HARNESS_TRACKING_URI`, else a database in the home.
        retry_failed: whether runs that failed are done anew.
        changed_code: whether completed runs are kept though code of the study's own has changed since.
        share: whether runs share the stages that they have in common, or each trains alone.
        cache_features: whether features of what is frozen are computed once.
        packing: whether runs are trained together where that changes no bit and saves time.
        keep_bytes: of snapshots; beyond it the least valuable are given up.
        timeout_s: a run that makes no step for so long is given up; by default none is.
        launcher: starts the workers; by default as processes on this machine.
        storage: the URL of one database for many machines; else `HARNESS_STORAGE`, else SQLite files in the home.
        store: the folder of finished stages; else `HARNESS_STORE`, else `store` in the home.

    Raises:
        InputError: the study cannot be run; the message says what was expected.
        InterruptedRunError: it was stopped by Ctrl-C; calling again goes on from there.
    """
    asked, file = changed_study(study, changes, device=device, precision=precision, name=name)
    _check_positive(trials=trials, seeds=seeds, workers=workers)
    _check_watched(observer, timeout_s)
    workspace = workspace_at(home, storage, store)
    uri = tracking_uri or os.environ.get(VARIABLE)
    trackers = [tracker] if isinstance(tracker, str | type) else tracker or os.environ.get(TRACKERS, "").split()
    destinations = destinations_of(trackers, uri, workspace.home)
    settings = LaunchSettings(
        origin=origin_of(study, changes),
        trials=trials,
        seeds=seeds,
        file=file,
        workers=workers,
        timeout_s=timeout_s,
        launcher=launcher,
        keep_bytes=keep_bytes,
        retry_failed=retry_failed,
        changed_code=changed_code,
        destinations=destinations if tracking else (),
    )
    if settings.in_workers and file is None:
        settings = replace(settings, modules=modules_for_workers(asked, sys._getframe(1)))  # noqa: SLF001
    guarded = GuardedObserver(observer) if observer else None
    with process_settings_kept(), Interruption() as stop:
        runner = Runner(
            workspace,
            alone=not share,
            stop=lambda: stop() or bool(guarded and guarded.error),
            cache_features=share and cache_features,
            packing=packing,
        )
        _launch(asked, runner, settings, guarded, progress=progress)
    return results_in(workspace, asked.name)


def _check_positive(**numbers: object) -> None:
    for what, number in numbers.items():
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise InputError(f"{what}: expected a whole number, found {number!r}")
        if isinstance(number, int) and number < 1:
            raise InputError(f"{what}: expected at least 1, found {number}")


def _check_watched(observer: object, timeout_s: object) -> None:
    if isinstance(observer, type) and issubclass(observer, Observer):
        name = observer.__name__
        raise InputError(f"observer: expected an observer, found the class {name}; make one: {name}()")
    if observer is not None and not isinstance(observer, Observer):
        raise InputError(f"observer: expected one whose class derives from harness.Observer, found {observer!r:.60}")
    if timeout_s is not None and not (isinstance(timeout_s, int | float) and timeout_s > 0):
        raise InputError(f"timeout_s: expected a number of seconds above 0, found {timeout_s!r}")


def _launch(
    study: Study, runner: Runner, settings: LaunchSettings, observer: GuardedObserver | None, *, progress: bool
) -> None:
    make_deterministic()
    sizes = note_of_sizes(study, runner.workspace.ledger, settings.trials, settings.seeds)
    for note in filter(None, [*check_study(study, runner), sizes]):
        log.warning("%s", note)
    view = view_of(study.metric) if progress else nullcontext(Observer())
    try:
        left = launch_study(study, runner, settings, view, observer=observer)
    except InterruptedRunError:
        if observer and observer.error:
            raise observer.error from None
        raise
    if observer and observer.error:  # of the last that it was told
        raise observer.error
    if left:
        log.warning("not shown by %s yet: %s; harness sync %s delivers them", left.where, left, study.name)
