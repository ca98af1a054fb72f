"""The tracker that shows studies in TensorBoard."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, final
from urllib.parse import quote, urlencode

from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking._base import UiSettings
from harness.tracking._folder import AbstractFolderTracker
from harness.tracking._study_folder import StudyFolder, file_name, metric_shown
from harness.tracking.content.entry import RunEntry, StudyEntry, run_entry
from harness.tracking.content.keys import allowed_keys, metric_keys
from harness.tracking.content.points import Point, points_of
from harness.tracking.tensorboard.ui import start_ui
from harness.tracking.ui_server import UiServer

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

__all__ = ["TensorBoardTracker"]

EVENTS = "events.out.tfevents"  # TensorBoard takes a file for one of its own if its name has the second half
ARM = "· (.*) ·"  # in the name of a run
ENDS = {"completed": "SUCCESS", "failed": "FAILURE", "pruned": "FAILURE"}


@final
class TensorBoardTracker(AbstractFolderTracker):
    """Writes a folder with one file of events for each run, and shows runs while they train.

    What was searched, the arm and the seed are hyperparameters; all params and tags are a text of the run. Each file
    has a name of its own and begins by saying that the run begins anew, so that a TensorBoard that is open reads it.
    """

    kind = "tensorboard"
    title = "TensorBoard"
    package = "tensorboard"
    has_server = True
    version = 2  # 1 had points that TensorBoard passes over

    @classmethod
    def start_ui(cls, home: Path, settings: UiSettings) -> UiServer:
        """Start TensorBoard over the home."""
        return start_ui(Path(cls.uri_in(home)), settings)

    @classmethod
    def links(cls, address: str, study: str | None, home: Path) -> dict[str, str]:
        """Return the address, at which the metric of the study comes first, and arms have colors."""
        if study is None:
            return {"TensorBoard": address}
        metric = f"val/{metric_shown(Path(cls.uri_in(home), study), cls.title)}"
        chosen = {
            "pinnedCards": json.dumps([{"plugin": "scalars", "tag": metric_keys([metric])[metric]}]),
            "runColorGroup": f"regex:{ARM}",
            "runFilter": f"^{study}/",
            "smoothing": "0",
        }
        return {"TensorBoard": f"{address}/?{urlencode(chosen, quote_via=quote)}#timeseries"}

    def write_study(self, folder: StudyFolder, entry: StudyEntry, outcome: str) -> None:
        """Write the note as a text of the study."""
        from harness.tracking.tensorboard.event_file import text_event

        note = f"**{outcome}**\n\n{entry.note}" if outcome else entry.note
        _replace(folder.path, [text_event("study", note), text_event("tags", _table(entry.tags))])

    def write_run(self, folder: StudyFolder, entry: RunEntry, others: Mapping[Point, int]) -> None:
        """Write the events of the run, and remove those of a run that they replace."""
        from harness.tracking.tensorboard.event_file import hparams_events, scalar_event, text_event

        if (known := folder.file_of(entry.identity)) not in {"", file_name(entry)}:
            _remove(folder.path / known, other_than=None)
        start_ms, a_step_ms = _now_ms() - int(1000 * entry.duration_s), 1000 * entry.duration_s / entry.last_step
        points = {**points_of(entry.metrics, lambda step: start_ms + int(step * a_step_ms)), **others}
        named = allowed_keys([*folder.study.spec.space, "arm", "seed"]).values()
        searched = {key: _number(entry.params[key]) for key in named if key in entry.params}
        texts = {"note": entry.note, "params": _table(entry.params), "tags": _table(entry.tags)}
        events = [
            *hparams_events(searched, ENDS.get(entry.status, "UNKNOWN")),
            *(text_event(tag, text) for tag, text in texts.items()),
            *(scalar_event(point, ms) for point, ms in points.items()),
        ]
        _replace(folder.path / file_name(entry), events)

    def write_live(
        self, folder: StudyFolder, record: RunRecord, points: Mapping[Point, int], began_ms: int, *, is_first: bool
    ) -> None:
        """Add the points to the events of the run."""
        from harness.tracking.tensorboard.event_file import append_events, restart, scalar_event, write_events

        file = folder.path / file_name(run_entry(folder.study, record, History())) / f"{EVENTS}.{began_ms}.live"
        events = [scalar_event(point, ms) for point, ms in points.items()]
        if is_first:
            write_events(file, [restart(), *events])
        else:
            append_events(file, events)


def _replace(folder: Path, events: "list[Event]") -> None:
    """Write the events of a run in place of all that were there."""
    from harness.tracking.tensorboard.event_file import restart, write_events

    file = folder / f"{EVENTS}.{_now_ms()}.whole"
    write_events(file, [restart(), *events])
    _remove(folder, other_than=file)


def _remove(folder: Path, *, other_than: Path | None) -> None:
    for file in folder.glob(f"{EVENTS}.*"):
        if file != other_than:
            file.unlink(missing_ok=True)
    if other_than is None and folder.is_dir():
        folder.rmdir()


def _now_ms() -> int:
    return int(time.time() * 1000)


def _table(texts: Mapping[str, str]) -> str:
    """Return texts as a table in Markdown."""
    cells = {name: text.replace("|", "\\|").replace("\n", " ") for name, text in texts.items()}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in cells.items())])


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
