"""MLflow as a tracker: one experiment and one parent run per study, one child run per run."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, final

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking._base import AbstractTracker
from harness.tracking.client import Metric, Param, Run, RunTag, explained, open_client
from harness.tracking.entry import RunEntry, StudyEntry, run_entry, study_entry
from harness.tracking.location import artifacts_beside, database_of, taking_turns
from harness.tracking.views import saved_views

T = TypeVar("T")

__all__ = ["MlflowTracker"]

METRICS_A_CALL = 1000
PARAMS_A_CALL = 100
NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
STATUSES = {"completed": "FINISHED", "failed": "FAILED"}


@dataclass(frozen=True)
class _Place:
    """A study that was begun, and where it is in MLflow: the ids of its experiment and parent run."""

    study: StudyRecord
    experiment: str
    parent: str


@final
class MlflowTracker(AbstractTracker):
    """Shows studies in MLflow; each process opens its own.

    A SQLite database is created when needed, with the folder `mlartifacts` beside it; a server keeps
    artifacts where it was told to. Several processes may project the same study into one SQLite database
    at once; with a server, one process begins the study before the others do.

    Raises:
        HarnessError: the database or server cannot be used.
    """

    def __init__(self, tracking_uri: str) -> None:
        self._uri = tracking_uri
        self._client = open_client(tracking_uri)
        self._places: dict[str, _Place] = {}

    def begin_study(self, study: StudyRecord) -> None:
        """Make the study's experiment and parent run, or tell them what has changed."""
        entry = study_entry(study)
        with self._undisturbed():
            experiment = self._experiment(study, entry)
            self._places[study.name] = _Place(study, experiment, self._parent(experiment, entry))

    def project_run(self, record: RunRecord, history: History) -> None:
        """Write the run as a child of its study, unless it is there already, whole and with this end.

        What an interrupted projection has left behind is deleted first. The run's moments are those of the
        projection; it lasts `cost/seconds`, where that is known.
        """
        place = self._place(record.study)
        entry = run_entry(place.study, record, history)
        with self._undisturbed():
            known = self._find(place.experiment, entry.identity)
            current = next((run for run in known if _shows(run, place, entry)), None)
            for run in known:
                if run is not current:
                    self._client.delete_run(run.info.run_id)
            if current is None:
                self._write(place, entry)

    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Finish the parent run, with the outcome above its note."""
        place, note = self._place(study.name), f"**{summary}**\n\n{study_entry(study).note}"
        with self._undisturbed():
            self._client.set_tag(place.parent, NOTE, note)
            self._client.set_experiment_tag(place.experiment, NOTE, note)
            if self._client.get_run(place.parent).info.status != "FINISHED":
                self._client.set_terminated(place.parent, "FINISHED")

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        with taking_turns(self._uri), explained(self._uri):
            yield

    def _place(self, study: str) -> _Place:
        if study not in self._places:
            raise HarnessError(f"expected begin_study before anything else of study {study!r}, found none")
        return self._places[study]

    def _find(self, experiment: str, identity: str) -> list[Run]:
        return list(self._client.search_runs([experiment], filter_string=f"tags.identity = '{identity}'"))

    def _experiment(self, study: StudyRecord, entry: StudyEntry) -> str:
        known = self._client.get_experiment_by_name(study.name)
        if known is None:
            database = database_of(self._uri)
            artifacts = artifacts_beside(database).as_uri() if database else None
            tags = {NOTE: entry.note, "mlflow.experimentKind": "custom_model_development"}
            return self._client.create_experiment(study.name, artifacts, tags | saved_views(study, _now_ms()))
        if known.lifecycle_stage == "deleted":
            self._client.restore_experiment(known.experiment_id)
        return str(known.experiment_id)

    def _parent(self, experiment: str, entry: StudyEntry) -> str:
        tags = entry.tags | {NOTE: entry.note, "identity": "study"}
        known = self._find(experiment, "study")
        if not known:
            return str(self._client.create_run(experiment, tags=tags, run_name=entry.name).info.run_id)
        parent = known[0]
        if not _is_told(parent, entry):
            self._client.update_run(parent.info.run_id, status="RUNNING")
            self._client.set_experiment_tag(experiment, NOTE, entry.note)
            self._client.log_batch(parent.info.run_id, tags=[RunTag(*tag) for tag in tags.items()])
        return str(parent.info.run_id)

    def _write(self, place: _Place, entry: RunEntry) -> None:
        now_ms = _now_ms()
        run = self._client.create_run(
            place.experiment,
            start_time=now_ms - int(1000 * entry.duration_s),
            tags=entry.tags | {NOTE: entry.note, "identity": entry.identity, PARENT: place.parent},
            run_name=entry.name,
        ).info.run_id
        for params in _batches(_params(entry), PARAMS_A_CALL):
            self._client.log_batch(run, params=params)
        for metrics in _batches(_metrics(entry, now_ms), METRICS_A_CALL):
            self._client.log_batch(run, metrics=metrics)
        for name, content in entry.files.items():
            self._client.log_text(run, json.dumps(content, indent=2, ensure_ascii=False), name)
        # Last: only a run that is whole has an end, and one without is written anew.
        self._client.set_terminated(run, STATUSES[entry.status], now_ms)


def _is_told(parent: Run, entry: StudyEntry) -> bool:
    """Return whether `parent` says what `entry` says, perhaps below the outcome."""
    tags = parent.data.tags
    return entry.tags.items() <= tags.items() and tags.get(NOTE, "").endswith(entry.note)


def _shows(run: Run, place: _Place, entry: RunEntry) -> bool:
    """Return whether `run` is whole, in its place, and shows the end that `entry` has."""
    expected = {PARENT: place.parent, "run_id": entry.tags["run_id"]}
    return expected.items() <= run.data.tags.items() and run.info.status == STATUSES[entry.status]


def _params(entry: RunEntry) -> list[Param]:
    return [Param(key, text) for key, text in entry.params.items()]


def _metrics(entry: RunEntry, now_ms: int) -> list[Metric]:
    return [Metric(key, value, now_ms, step) for key, points in entry.metrics.items() for step, value in points.items()]


def _now_ms() -> int:
    return int(time.time() * 1000)


def _batches(items: list[T], size: int) -> Iterator[list[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
