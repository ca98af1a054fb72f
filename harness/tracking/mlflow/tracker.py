"""MLflow as a tracker: one experiment and one parent run per study, one child run per run."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self, final

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking._base import AbstractTracker, Place, UiSettings
from harness.tracking.content.entry import RunEntry, run_entry, run_identity, study_entry
from harness.tracking.content.keys import SYSTEM
from harness.tracking.content.points import Point
from harness.tracking.content.thinning import TrackingPoints
from harness.tracking.mlflow.artifacts import log_files, log_weights
from harness.tracking.mlflow.database import check_intact, explained, open_connection
from harness.tracking.mlflow.experiment import StudyExperiment, now_ms, open_experiment
from harness.tracking.mlflow.location import artifacts_beside, database_of, default_tracking_uri, taking_turns
from harness.tracking.mlflow.pages import compare_page, curves_page, means_page, runs_page
from harness.tracking.mlflow.run import KILLED, RUNNING
from harness.tracking.mlflow.ui import start_ui
from harness.tracking.ui_server import UiServer

__all__ = ["MlflowTracker"]


@final
class MlflowTracker(AbstractTracker):
    """Shows studies in MLflow; each process opens its own.

    What a run has in MLflow is asked of MLflow itself, and only what it lacks is written. So a process that was
    interrupted, wherever that was, goes on from there, and a server that has lost something gets it again. A SQLite
    database is created when needed, with the folder `mlartifacts` beside it; a server stores artifacts where it is
    configured to. Several processes may project one study into one SQLite database at once; with a server, one at a
    time.

    Args:
        tracking_uri: without a password (`harness.tracking.delivery.destination`).
        store: the folder of the stages, from which the final weights are taken.
        points: which points of curves are shown.

    Raises:
        HarnessError: the database or server cannot be used.
    """

    kind = "mlflow"
    title = "MLflow"
    has_server = True

    def __init__(self, tracking_uri: str, store: Path | None = None, points: TrackingPoints = "thinned") -> None:
        self._uri = tracking_uri
        self._store = store
        self._points = points
        self._client = open_connection(tracking_uri)
        self._experiments: dict[str, StudyExperiment] = {}

    @classmethod
    def open(cls, place: Place) -> Self:
        """Return a tracker that writes to the server or database `place.uri`."""
        return cls(place.uri, place.store, place.points)

    @classmethod
    def uri_in(cls, home: Path) -> str:
        """Return the URI of the database in the home."""
        return default_tracking_uri(home)

    @classmethod
    def check(cls, uri: str) -> None:
        """Refuse a database that is damaged."""
        check_intact(uri)

    @classmethod
    def start_ui(cls, home: Path, settings: UiSettings) -> UiServer:
        """Start the MLflow UI over the home."""
        return start_ui(home, settings.port, settings.host, limit_s=settings.limit_s)

    @classmethod
    def links(cls, address: str, study: str | None, home: Path) -> dict[str, str]:  # noqa: ARG003
        """Return the addresses of the study's pages."""
        if study is None:
            return {"MLflow UI": address}
        return {
            "All runs": runs_page(address, study),
            "Curves": curves_page(address, study),
            "Compare arms": means_page(address, study),
            "Compare a pair": compare_page(address, study) or "when a run of each arm has ended",
        }

    def begin_study(self, study: StudyRecord) -> None:
        """Make the study's experiment and parent run, or write what has changed in them; look up its runs."""
        database = database_of(self._uri)
        artifacts = artifacts_beside(database).as_uri() if database else None
        with self._writing():
            self._experiments[study.name] = open_experiment(self._client, study, artifacts)

    def show_live_run(self, record: RunRecord, points: Mapping[Point, int], began_ms: int) -> None:
        """Write what the run has measured; its end, if it had one before, is taken back."""
        experiment = self._begun(record.study)
        with self._writing():
            experiment.parent.set_status(self._client, RUNNING)
            run, params = experiment.children.get(run_identity(record)), dict[str, str]()
            if run is None:
                entry = run_entry(experiment.study, record, History())
                run, params = experiment.find(entry.identity) or experiment.create(entry, began_ms), entry.params
                run.log_datasets(self._client, entry)
            run.reopen(self._client)
            run.log(self._client, points, params)

    def project_run(self, record: RunRecord, history: History) -> None:
        """Write what the child run of its study lacks, and last of all its end.

        A child run that shows something else, because a run was repeated with another outcome, is deleted first. A run
        that was never shown alive is shown to have ended now, after `cost/seconds`.
        """
        experiment = self._begun(record.study)
        entry = run_entry(experiment.study, record, history, self._points)
        run = experiment.children.get(entry.identity)
        if run is None or not run.shows(entry):
            with self._writing():
                self._complete(experiment, record, entry)

    def mark_dead_runs(self, study: StudyRecord, alive: Collection[RunRecord]) -> None:
        """Set those runs to killed that are shown as running and are not alive."""
        experiment, alive_identities = self._begun(study.name), {run_identity(record) for record in alive}
        with self._writing():
            for identity, run in experiment.children.items():
                if run.status == RUNNING and identity not in alive_identities:
                    run.set_status(self._client, KILLED)
            experiment.parent.set_status(self._client, RUNNING if alive else KILLED)

    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Finish the parent run, with the outcome above its note."""
        experiment = self._begun(study.name)
        with self._writing():
            experiment.write_note(f"**{summary}**\n\n{study_entry(study).note}")
            experiment.parent.set_status(self._client, "FINISHED")

    def count_shown_points(self, record: RunRecord) -> int:
        """Count the points of a run that MLflow is known to have."""
        experiment = self._experiments.get(record.study)
        run = experiment.children.get(run_identity(record)) if experiment else None
        return sum(not point.key.startswith(SYSTEM) for point in run.points or ()) if run else 0

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with taking_turns(self._uri), explained(self._uri, self._client.errors):
            yield

    def _begun(self, study: str) -> StudyExperiment:
        if study not in self._experiments:
            raise HarnessError(f"expected begin_study before anything else of study {study!r}, found none")
        return self._experiments[study]

    def _complete(self, experiment: StudyExperiment, record: RunRecord, entry: RunEntry) -> None:
        """Write what a run that has ended lacks."""
        run = experiment.find(entry.identity)
        if run and run.shows(entry):
            return
        if run and run.contradicts(self._client, entry):
            self._client.delete_run(run.id)
            run = None
        run = run or experiment.create(entry, now_ms() - int(1000 * entry.duration_s))
        run.log_datasets(self._client, entry)
        run.log(self._client, run.points_of(entry, entry.metrics), entry.params)
        log_files(self._client, run.id, entry, experiment.study.spec.metric, record)
        if self._store:
            log_weights(self._client, run.id, self._store, record)
        run.end(self._client, entry, experiment.tags_of(entry))
