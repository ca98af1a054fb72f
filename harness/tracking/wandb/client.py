"""Weights & Biases' client, quiet and without what it gathers by itself."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Read while it is imported.
os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
os.environ.setdefault("WANDB_SILENT", "true")

import wandb

from harness.tracking.wandb.log_file import wait_until_whole

__all__ = ["ERRORS", "Shown", "write_run"]

ERRORS = (wandb.Error, OSError)
STEP = "step"
LIMIT_S = 60.0


@dataclass(frozen=True)
class Shown:
    """What Weights & Biases gets of a run.

    Attributes:
        id: by which it is known; two runs of one id are one run.
        name: under which it is shown.
        project: in which.
        notes: Markdown.
        config: params and tags.
        labels: by which runs are filtered.
        rows: of the history, in order; each has its step.
        summary: final results.
        failed: whether the run failed.
    """

    id: str
    name: str
    project: str
    notes: str
    config: Mapping[str, Any]
    labels: Sequence[str] = ()
    rows: Sequence[Mapping[str, float]] = ()
    summary: Mapping[str, float] | None = None
    failed: bool = False


def write_run(shown: Shown, folder: Path, mode: str) -> None:
    """Write a run, from the row on that Weights & Biases lacks.

    Raises:
        ERRORS: it cannot be reached, or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT") or shown.project,
        dir=str(folder),
        id=shown.id,
        name=shown.name,
        notes=shown.notes,
        config=dict(shown.config),
        tags=list(shown.labels),
        mode=mode,
        resume="allow",
        settings=_settings(),
    )
    run.define_metric("*", step_metric=STEP)
    known = (
        run.step
    )  # rows are numbered alike each time: those that a delivery has sent that was cut short are left out
    for number, row in enumerate(shown.rows[known:], known):
        run.log(dict(row), step=number)
    run.summary.update(dict(shown.summary or {}))
    run.finish(exit_code=int(shown.failed))
    for file in folder.glob(f"wandb/offline-run-*-{shown.id}/run-{shown.id}.wandb"):
        wait_until_whole(file, LIMIT_S)


def _settings() -> wandb.Settings:
    return wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        silent=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
