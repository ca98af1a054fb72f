"""MLflow as a tracker: one experiment and one parent run per study, one child run per run."""

import json
import logging
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from harness.core.errors import HarnessError, SnapshotError
from harness.core.history import History
from harness.staging.histories import FILES, stage_folder
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.snapshot_format import SnapshotFile
from harness.tracking._base import AbstractTracker
from harness.tracking.content.entry import ENDED, SOMETIMES, RunEntry, StudyEntry, run_entry, run_identity, study_entry
from harness.tracking.content.figure import figure
from harness.tracking.content.keys import SYSTEM
from harness.tracking.content.points import Point
from harness.tracking.mlflow.children import Child, child_of, complete, describe, pages
from harness.tracking.mlflow.client import RunTag, explained, open_client
from harness.tracking.mlflow.location import artifacts_beside, database_of, taking_turns
from harness.tracking.mlflow.views import saved_views

__all__ = ["MlflowTracker"]

log = logging.getLogger(__name__)

NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
IDENTITY, STUDY = "identity", "study"
RUNNING, KILLED = "RUNNING", "KILLED"
# Pruned is killed, on purpose: finished means trained to the end, with results that can be compared. The tag `outcome`
# tells it from a run whose process died, which has no outcome.
STATUSES = {"completed": "FINISHED", "failed": "FAILED", "pruned": KILLED, "running": RUNNING}
WEIGHTS, FIGURE = "weights.safetensors", "figure.svg"
MOST_WEIGHT_BYTES = 100_000_000


@dataclass
class _Place:
    """A study that was begun, where it is in MLflow, and its runs there by identity."""

    study: StudyRecord
    experiment: str
    parent: str
    parent_status: str
    children: dict[str, Child] = field(default_factory=dict)


@final
class MlflowTracker(AbstractTracker):
    """Shows studies in MLflow; each process opens its own.

    What a run has in MLflow is asked of MLflow itself, and only what it lacks is written: whoever was interrupted,
    and wherever, goes on from there, and a server that has lost something gets it again. A SQLite database is created
    when needed, with the folder `mlartifacts` beside it; a server keeps artifacts where it was told to. Several
    processes may project the same study into one SQLite database at once; with a server, one at a time.

    Args:
        tracking_uri: without a password (`harness.tracking.delivery.destination`).
        store: the folder of the stages, from which the final weights are taken.

    Raises:
        HarnessError: the database or server cannot be used.
    """

    def __init__(self, tracking_uri: str, store: Path | None = None) -> None:
        self._uri = tracking_uri
        self._store = store
        self._client = open_client(tracking_uri)
        self._places: dict[str, _Place] = {}

    def begin_study(self, study: StudyRecord) -> None:
        """Make the study's experiment and parent run, or tell them what has changed; look up its runs."""
        entry = study_entry(study)
        with self._undisturbed():
            experiment = self._experiment(study, entry)
            runs = {run.data.tags.get(IDENTITY, ""): run for run in pages(self._client, experiment)}
            known = runs.pop(STUDY, None)
            parent, status = self._parent(experiment, entry, child_of(known) if known else None)
            self._places[study.name] = _Place(study, experiment, parent, status)
            self._places[study.name].children |= {name: child_of(run) for name, run in runs.items()}

    def show_run(self, record: RunRecord, points: Mapping[Point, int], began_ms: int) -> None:
        """Write what the run has measured; its end, if it had one before, is taken back."""
        place = self._place(record.study)
        with self._undisturbed():
            self._set_parent(place, RUNNING)
            child = place.children.get(run_identity(record))
            if child is None:
                entry = run_entry(place.study, record, History())
                child = self._find(place, entry.identity) or self._create(place, entry, began_ms)
                describe(self._client, child, entry)
            self._take_back_end(child)
            child.add(self._client, points)

    def project_run(self, record: RunRecord, history: History) -> None:
        """Write what the child run of its study lacks, and last of all its end.

        A child that shows something else, because a run was repeated with another outcome, is deleted first. A run
        that nobody saw alive lasts `cost/seconds`, up to now.
        """
        place = self._place(record.study)
        entry = run_entry(place.study, record, history)
        known = place.children.get(entry.identity)
        if known is None or not known.is_whole(entry, STATUSES[entry.status]):
            with self._undisturbed():
                self._project(place, record, entry)

    def settle(self, study: StudyRecord, alive: Collection[RunRecord]) -> None:
        """Call those runs killed that claim to be running and are not alive."""
        place, still = self._place(study.name), {run_identity(record) for record in alive}
        with self._undisturbed():
            for identity, child in place.children.items():
                if child.status == RUNNING and identity not in still:
                    self._set_status(child, KILLED)
            self._set_parent(place, RUNNING if alive else KILLED)

    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Finish the parent run, with the outcome above its note."""
        place, note = self._place(study.name), f"**{summary}**\n\n{study_entry(study).note}"
        with self._undisturbed():
            self._client.set_tag(place.parent, NOTE, note)
            self._client.set_experiment_tag(place.experiment, NOTE, note)
            self._set_parent(place, "FINISHED")

    def shown(self, record: RunRecord) -> int:
        """Count the points of a run that MLflow is known to have."""
        place = self._places.get(record.study)
        child = place.children.get(run_identity(record)) if place else None
        return sum(not point.key.startswith(SYSTEM) for point in child.points or ()) if child else 0

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        with taking_turns(self._uri), explained(self._uri):
            yield

    def _place(self, study: str) -> _Place:
        if study not in self._places:
            raise HarnessError(f"expected begin_study before anything else of study {study!r}, found none")
        return self._places[study]

    def _find(self, place: _Place, identity: str) -> Child | None:
        """Look up a run that another process may have made since the study was begun."""
        known = [child_of(run) for run in pages(self._client, place.experiment, f"tags.{IDENTITY} = '{identity}'")]
        for child in known:
            place.children[identity] = child
        return place.children.get(identity)

    def _experiment(self, study: StudyRecord, entry: StudyEntry) -> str:
        known, views = self._client.get_experiment_by_name(study.name), saved_views(study, _now_ms())
        if known is None:
            database = database_of(self._uri)
            artifacts = artifacts_beside(database).as_uri() if database else None
            tags = {NOTE: entry.note, "mlflow.experimentKind": "custom_model_development"}
            return self._client.create_experiment(study.name, artifacts, tags | views)
        if known.lifecycle_stage == "deleted":
            self._client.restore_experiment(known.experiment_id)
        for name in sorted(views.keys() - known.tags.keys()):
            self._client.set_experiment_tag(known.experiment_id, name, views[name])
        return str(known.experiment_id)

    def _parent(self, experiment: str, entry: StudyEntry, known: Child | None) -> tuple[str, str]:
        """Return the id and status of the study's own run, which says what `entry` says, perhaps below the outcome."""
        tags = entry.tags | {NOTE: entry.note, IDENTITY: STUDY}
        if known is None:
            created = self._client.create_run(experiment, tags=tags, run_name=entry.name)
            return str(created.info.run_id), RUNNING
        if entry.tags.items() <= known.tags.items() and known.tags.get(NOTE, "").endswith(entry.note):
            return known.run, known.status
        self._set_status(known, RUNNING)
        self._client.set_experiment_tag(experiment, NOTE, entry.note)
        self._client.log_batch(known.run, tags=[RunTag(*tag) for tag in tags.items()])
        return known.run, RUNNING

    def _set_parent(self, place: _Place, status: str) -> None:
        if place.parent_status != status:
            self._write_status(place.parent, status)
            place.parent_status = status

    def _set_status(self, child: Child, status: str) -> None:
        if child.status != status:
            self._write_status(child.run, status)
            child.status = status

    def _take_back_end(self, child: Child) -> None:
        if child.status != RUNNING:
            # Before its status: a run that goes on must not keep them if this is cut short.
            for stale in sorted(ENDED & child.tags.keys()):
                self._client.delete_tag(child.run, stale)
            child.tags = {key: text for key, text in child.tags.items() if key not in ENDED}
            self._set_status(child, RUNNING)

    def _write_status(self, run: str, status: str) -> None:
        if status == RUNNING:
            self._client.update_run(run, status)
        else:
            self._client.set_terminated(run, status)

    def _create(self, place: _Place, entry: RunEntry, start_ms: int) -> Child:
        tags = entry.tags | {NOTE: entry.note, IDENTITY: entry.identity, PARENT: place.parent}
        run = self._client.create_run(place.experiment, start_time=start_ms, tags=tags, run_name=entry.name)
        place.children[entry.identity] = child_of(run)
        return place.children[entry.identity]

    def _project(self, place: _Place, record: RunRecord, entry: RunEntry) -> None:
        child = self._find(place, entry.identity)
        if child and child.is_whole(entry, STATUSES[entry.status]):
            return
        if child and child.contradicts(self._client, entry, complete(entry, child)):
            self._client.delete_run(child.run)
            child = None
        if child is None:
            child = self._create(place, entry, _now_ms() - int(1000 * entry.duration_s))
        describe(self._client, child, entry)
        child.add(self._client, complete(entry, child))
        self._attach(place, child, record, entry)
        tags = entry.tags | {NOTE: entry.note, PARENT: place.parent, "projected": entry.mark}
        self._client.log_batch(child.run, tags=[RunTag(*tag) for tag in tags.items()])
        for stale in sorted(SOMETIMES & child.tags.keys() - tags.keys()):
            self._client.delete_tag(child.run, stale)
        self._client.update_run(child.run, name=entry.name)
        # Last: only a run that is whole has an end.
        end_ms = child.start_ms + int(1000 * entry.duration_s)
        self._client.set_terminated(child.run, STATUSES[entry.status], end_ms)
        child.status, child.tags = STATUSES[entry.status], {**child.tags, **tags}

    def _attach(self, place: _Place, child: Child, record: RunRecord, entry: RunEntry) -> None:
        for name, content in entry.files.items():
            self._client.log_text(child.run, json.dumps(content, indent=2, ensure_ascii=False), name)
        steps, metric = [growth["step"] for growth in record.growths], place.study.spec.metric
        self._client.log_text(child.run, figure(entry.name, entry.metrics, metric, steps), FIGURE)
        if self._store is None or not record.stages:
            return
        snapshot = stage_folder(self._store, record.stages[-1]) / FILES[0]
        if snapshot.is_file() and snapshot.stat().st_size <= MOST_WEIGHT_BYTES:
            # A damaged snapshot is the store's business; the run is shown without it.
            with tempfile.TemporaryDirectory() as folder, suppress(SnapshotError):
                path = Path(folder) / WEIGHTS
                path.write_bytes(SnapshotFile.parse(snapshot.read_bytes()).weights())
                self._client.log_artifact(child.run, str(path))


def _now_ms() -> int:
    return int(time.time() * 1000)
