"""A study in MLflow: an experiment, its parent run, and a child run for each run of the study."""

import time
from dataclasses import dataclass, field

from harness.core.arm_colors import color_of
from harness.staging.ledger import StudyRecord
from harness.tracking.content.entry import RunEntry, StudyEntry, study_entry
from harness.tracking.mlflow._base import AbstractConnection
from harness.tracking.mlflow.run import NOTE, PARENT, RUNNING, MlflowRun
from harness.tracking.mlflow.views import is_saved, saved_views

__all__ = ["StudyExperiment", "now_ms", "open_experiment"]

COLOR = "mlflow.runColor"  # MLflow draws a run in it, but not a group of runs
IDENTITY = "identity"  # the tag by which a run is found again
PARENT_IDENTITY = "study"


@dataclass
class StudyExperiment:
    """A study that was begun, and what is known of its runs.

    Attributes:
        study: as it was begun.
        id: of its experiment.
        parent: the study's own run.
        children: the runs below it, by the identity of their entries.
    """

    client: AbstractConnection
    study: StudyRecord
    id: str
    parent: MlflowRun
    children: dict[str, MlflowRun] = field(default_factory=dict)

    def find(self, identity: str) -> MlflowRun | None:
        """Look up a run that another process may have made since the study was begun."""
        for run in self.client.search_runs(self.id, {IDENTITY: identity}):
            self.children[identity] = MlflowRun.of(run, self.children.get(identity))
        return self.children.get(identity)

    def tags_of(self, entry: RunEntry) -> dict[str, str]:
        """Return the tags of a run that only MLflow has: its note, the run above it, and the color of its arm."""
        spec = self.study.spec
        arms = list(dict.fromkeys([*spec.get("comparison", ()), *spec.arms]))
        arm = entry.tags["arm"]
        color = {COLOR: color_of(arms.index(arm))} if arm in arms else {}
        return {NOTE: entry.note, PARENT: self.parent.id} | color

    def create(self, entry: RunEntry, start_ms: int) -> MlflowRun:
        """Make a run that began `start_ms` milliseconds after 1970."""
        tags = entry.tags | self.tags_of(entry) | {IDENTITY: entry.identity}
        run = self.client.create_run(self.id, start_ms, tags, entry.name)
        self.children[entry.identity] = MlflowRun.of(run)
        return self.children[entry.identity]

    def write_note(self, note: str) -> None:
        """Write the note of the study, where its experiment and its parent run show it."""
        self.client.log_batch(self.parent.id, [], {}, {NOTE: note})
        self.client.set_experiment_tag(self.id, NOTE, note)


def open_experiment(client: AbstractConnection, study: StudyRecord, artifacts: str | None) -> StudyExperiment:
    """Make the experiment and parent run of a study, or write what has changed in them; look up its runs.

    `artifacts` is the URI of the folder for files of a new experiment; a server chooses it if it is None.
    """
    entry = study_entry(study)
    experiment = _experiment(client, study, entry, artifacts)
    runs = {run.tags.get(IDENTITY, ""): MlflowRun.of(run) for run in client.search_runs(experiment, {})}
    parent = _parent(client, experiment, entry, runs.pop(PARENT_IDENTITY, None))
    return StudyExperiment(client, study, experiment, parent, runs)


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return int(time.time() * 1000)


def _experiment(client: AbstractConnection, study: StudyRecord, entry: StudyEntry, artifacts: str | None) -> str:
    known, views = client.get_experiment_by_name(study.name), saved_views(study, now_ms())
    if known is None:
        tags = {NOTE: entry.note, "mlflow.experimentKind": "custom_model_development"}
        return client.create_experiment(study.name, artifacts, tags | views)
    if known.is_deleted:
        client.restore_experiment(known.id)
    for name in sorted(name for name, view in views.items() if not is_saved(view, known.tags.get(name))):
        client.set_experiment_tag(known.id, name, views[name])
    return known.id


def _parent(client: AbstractConnection, experiment: str, entry: StudyEntry, known: MlflowRun | None) -> MlflowRun:
    """Return the study's own run, which shows `entry`, its note perhaps below the outcome."""
    tags = entry.tags | {NOTE: entry.note, IDENTITY: PARENT_IDENTITY}
    if known is None:
        return MlflowRun.of(client.create_run(experiment, now_ms(), tags, entry.name))
    if entry.tags.items() <= known.tags.items() and known.tags.get(NOTE, "").endswith(entry.note):
        return known
    known.set_status(client, RUNNING)
    client.set_experiment_tag(experiment, NOTE, entry.note)
    client.log_batch(known.id, [], {}, tags)
    return known
