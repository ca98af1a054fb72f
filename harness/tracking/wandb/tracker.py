"""The tracker that shows studies in Weights & Biases."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from harness.core.digest import digest
from harness.core.errors import HarnessError
from harness.tracking._folder import AbstractFolderTracker
from harness.tracking._study_folder import StudyFolder
from harness.tracking.content.entry import RunEntry, StudyEntry
from harness.tracking.content.finals import FINAL
from harness.tracking.content.points import Point, points_of

__all__ = ["WandbTracker"]

MODE, OFFLINE = "WANDB_MODE", "offline"
SENT = "*.synced"  # what `wandb sync` leaves beside a run that it has sent
DIGEST_CHARACTERS = 16
MOST_LABEL_CHARACTERS = 64
STUDY = "study"


@final
class WandbTracker(AbstractFolderTracker):
    """Writes runs that have ended, each whole, into offline folders, which `wandb sync` sends.

    With `WANDB_MODE=online` the client sends them at once. A project is a study, unless `WANDB_PROJECT` names another.
    The client's own step counts rows, which may be several for a step of training; the curves' axis is `step`.
    """

    kind = "wandb"
    title = "Weights & Biases"
    package = "wandb"

    @classmethod
    def links(cls, address: str, study: str | None, home: Path) -> dict[str, str]:  # noqa: ARG003
        """Return the command that sends what was written."""
        return {"Send the runs": f"wandb sync {Path(address, study or '*', 'wandb')}/offline-run-*"}

    def write_study(self, folder: StudyFolder, entry: StudyEntry, outcome: str) -> None:
        """Write a run without a history that has the study's note."""
        from harness.tracking.wandb.client import Shown

        notes = f"**{outcome}**\n\n{entry.note}" if outcome else entry.note
        own_id = self._id(folder, STUDY, "")
        self._write(folder, Shown(own_id, entry.name, entry.name, notes, {"tags": entry.tags}, [STUDY]))

    def write_run(self, folder: StudyFolder, entry: RunEntry, others: Mapping[Point, int]) -> None:
        """Write the run; one that it replaces is removed, unless it was sent."""
        from harness.tracking.wandb.client import Shown

        if known := folder.mark_of(entry.identity):
            _remove(folder.path, self._id(folder, entry.identity, known))
        curves = {key: series for key, series in entry.metrics.items() if not key.startswith(f"{FINAL}/")}
        finals = {key: series.values[-1] for key, series in entry.metrics.items() if key not in curves}
        tags = entry.tags
        shown = Shown(
            self._id(folder, entry.identity, entry.mark),
            entry.name,
            folder.study.name,
            entry.note,
            {**{key: _value(text) for key, text in entry.params.items()}, "tags": tags},
            [f"{label}: {tags[label]}"[:MOST_LABEL_CHARACTERS] for label in ("arm", "outcome") if label in tags],
            _rows([*points_of(curves, lambda _: 0), *others]),
            finals,
            failed=entry.status == "failed",
        )
        self._write(folder, shown)

    def _id(self, folder: StudyFolder, identity: str, mark: str) -> str:
        """Return an id of its own for a run with this outcome: what was sent is never mixed with something else."""
        return digest([str(folder.path), identity, mark])[:DIGEST_CHARACTERS]

    def _write(self, folder: StudyFolder, shown: Any) -> None:
        from harness.tracking.wandb.client import ERRORS, write_run

        mode = os.environ.get(MODE) or OFFLINE
        if mode == OFFLINE:
            _remove(folder.path, shown.id)  # what a kill has cut short
        try:
            write_run(shown, folder.path, mode)
        except ERRORS as error:
            reason = " ".join(str(error).split())
            raise HarnessError(
                f"Weights & Biases cannot be used ({reason}); nothing is lost: the study can be projected again"
            ) from None


def _remove(folder: Path, run_id: str) -> None:
    """Remove what was written of a run and not sent."""
    for written in folder.glob(f"wandb/offline-run-*-{run_id}"):
        if not any(written.glob(SENT)):
            shutil.rmtree(written)


def _rows(points: list[Point]) -> list[dict[str, float]]:
    """Return the rows of a history: points of one step in one row, equal keys in rows of their own."""
    rows: dict[tuple[int, int], dict[str, float]] = {}
    count: dict[tuple[str, int], int] = {}
    for point in points:
        nth = count[point.key, point.step] = count.get((point.key, point.step), -1) + 1
        rows.setdefault((point.step, nth), {"step": point.step})[point.key] = point.value
    return [rows[place] for place in sorted(rows)]


def _value(text: str) -> Any:
    """Return a param as a number or a list where its text is one: axes of charts need numbers."""
    try:
        return json.loads(text)
    except ValueError:
        return text
